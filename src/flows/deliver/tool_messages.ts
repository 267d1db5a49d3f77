/**
 * Sends texts of the tool `discord` by the outbox.
 *
 * They are rows of the outbox, keyed by the call. So a crash neither loses nor doubles them, and
 * they keep their order with the answer (D1).
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount, wakeChannels } from "../../account/per_account.ts";
import { type ChannelId, type GuildId } from "../../core/discord/ids.ts";
import type { Frozen, OutboxRow } from "../../core/outbound/outbound.ts";
import type { DiscordCall, ToolTarget } from "../../core/turn/discord_place.ts";
import { badArguments } from "../../core/turn/tool.ts";
import { takesFiles, uploadLimitOf } from "../../discord/gateway/decode/guild_index.ts";
import { inTime, whenAborted } from "../../lib/clock.ts";
import { withoutInvisible } from "../../lib/text/quoted.ts";
import { threadTitle } from "../../render/name.ts";
import type { ReplyRules } from "../../render/reply.ts";
import { composeToolMessage, type ToolPost } from "../../render/tool_message.ts";
import type { SendResult } from "../../store/outbox/outbox.ts";
import { replyRulesOf } from "../../config/config.ts";

/** The rules of texts and files in a place. */
export function rulesIn(
  account: BotAccount,
  place: { readonly channelId: ChannelId; readonly guildId?: GuildId },
  config = account.config(),
): ReplyRules {
  const { reader: { index, self } } = account;
  return {
    ...replyRulesOf(config, {
      cleanSecrets: (text) => cleanSecrets(account, text),
      uploadLimit: uploadLimitOf(index, place.guildId),
    }),
    ...(!takesFiles(index, place, self?.userId) && { takesNoFiles: true }),
  };
}

/**
 * Cleans a text, and cuts it into messages.
 *
 * @throws {Error} If it has nothing to show.
 */
export function composed(
  { account, agentId, message, callKey }: DiscordCall,
  { channelId, guildId }: ToolTarget,
  post: ToolPost,
): readonly Frozen[] {
  const frozen = composeToolMessage({
    message,
    agentId,
    callKey: `${callKey}:${channelId}`,
    channelId,
    guildId,
    ...post,
  }, rulesIn(account, { channelId, guildId }));
  if (!frozen) throw badArguments("`text` has nothing to show");
  return frozen;
}

/** Removes secrets and invisible characters from a text that goes to Discord. */
export const cleanText = (account: BotAccount, text: string): string =>
  cleanSecrets(account, withoutInvisible(text));

/** The title of a thread; empty if the text has no letters. */
export const titleFor = (account: BotAccount, written: string): string =>
  cleanSecrets(account, threadTitle(written));

/** Adds the rows, and waits for Discord. A repeated call finds the rows of the first one. */
export async function sendAndWait(
  { account, signal }: { readonly account: BotAccount; readonly signal: AbortSignal },
  frozen: readonly Frozen[],
): Promise<readonly SendResult[]> {
  const { now, store: { outbox } } = account;
  const ended = sentAll(account, frozen.map(({ message: { nonce } }) => nonce), signal);
  const rows = await outbox.addAll(frozen, now());
  wakeChannels(account, frozen.slice(0, 1).map(({ message: { channelId } }) => channelId));
  if (!rows.every(({ state }) => state === "sent")) await ended;
  return await outbox.sendResultsOf(rows.map(({ id }) => id));
}

/** Milliseconds that a tool waits for Discord; the message is delivered later, too. */
const PATIENCE_MS = 10_000;

/** Tools that wait for the message with a nonce. */
const waiting = perAccount("delivery", () => new Map<string, () => void>());

/** Whether a tool waits for a message: its turn then tells people that Discord refuses it. */
export const isAwaited = (account: BotAccount, { message: { nonce } }: OutboxRow): boolean =>
  waiting(account).has(nonce);

/** The store has the result of an attempt to deliver a row. */
export function toldSent(account: BotAccount, { message: { nonce } }: OutboxRow): void {
  waiting(account).get(nonce)?.();
}

/**
 * Resolves once an attempt has ended for each message, or after {@link PATIENCE_MS}, or once the
 * signal aborts. The store tells the results.
 */
async function sentAll(
  account: BotAccount,
  nonces: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const each = nonces.map((nonce) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting(account).set(nonce, resolve);
    return promise;
  });
  const first = Promise.race([Promise.all(each), whenAborted(signal)]);
  await inTime(first, PATIENCE_MS, account.schedule, () => {});
  for (const nonce of nonces) waiting(account).delete(nonce);
}
