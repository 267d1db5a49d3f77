/**
 * Loads a channel's earlier messages as context for the model.
 *
 * After a start, the store knows only messages that the gateway brought. Before the first answer in
 * a channel, Barnacle reads the channel's history once. The messages pass the same check as live
 * ones, so no refused sender's words reach a model this way (H1, P10).
 *
 * People open a thread on a message, or with a post in a forum. Its session contains nothing of the
 * channel, so its first turn gets that message as context (H6).
 */

import { mayBeSeen, show } from "../judging/shown.ts";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { type ChannelId, parseSnowflake } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Overheard, toOverheard } from "../../core/inbound/transcript.ts";
import { isForum } from "../../core/rights/permissions.ts";
import { decodeHistory } from "../../discord/gateway/decode/decode.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/history.ts";
import { createNewestSet } from "../../lib/cache.ts";

/** Milliseconds that a turn waits for the context, or for a starter. */
const PATIENCE_MS = 2_000;

/** Maximum number of loaded channels to remember. Barnacle reads a forgotten one once more. */
const BACKFILLED_MAX = 8_192;

const stateOf = perAccount("turns", ({ log }) => ({
  log,
  /** Histories that are being read. */
  running: new Map<ChannelId, Promise<void>>(),
  filled: createNewestSet<ChannelId>(BACKFILLED_MAX),
}));

/**
 * Loads a channel's context, once since the start for each of the newest {@link BACKFILLED_MAX}
 * channels. Never fails, and resolves after some seconds at most. The turn then goes on without the
 * context, and a later turn has it.
 *
 * @param limit Maximum number of messages to read; 0 reads none.
 * @returns `undefined` if there is nothing to wait for.
 */
export function backfill(
  account: BotAccount,
  message: InboundMessage,
  limit: number,
): Promise<unknown> | undefined {
  const { channelId } = message;
  const { filled, running } = stateOf(account);
  if (limit === 0 || filled.has(channelId)) return undefined;
  let reading = running.get(channelId);
  if (!reading) {
    reading = readBefore(account, message, limit).finally(() => {
      running.delete(channelId);
      filled.add(channelId);
    });
    running.set(channelId, reading);
  }
  return inTime(account, reading);
}

/** Stores what may be seen of a channel's history in the gateway's form, without own messages. */
async function readBefore(
  account: BotAccount,
  { channelId, guildId, id: before }: InboundMessage,
  limit: number,
): Promise<void> {
  const { accountId, reader: { self, index }, store, ended, now } = account;
  const { log } = stateOf(account);
  if (!self) return;
  try {
    const page = await readHistory(account.rest, channelId, {
      before,
      limit: Math.min(limit, MAX_HISTORY),
    });
    const visible = page.flatMap((message) => {
      const event = decodeHistory(message, guildId, { accountId, self, index });
      const isSeen = event?.kind === "message" && mayBeSeen(account, event);
      return isSeen ? [toOverheard(event)] : [];
    });
    await store.turns.addOverheard(accountId, channelId, visible, now());
  } catch (error) {
    if (ended.aborted) return;
    log.warn("Cannot read a channel's history; going on without it", { channelId, error });
  }
}

async function inTime<Read>({ schedule }: BotAccount, reading: Promise<Read>) {
  const { promise: isLate, resolve } = Promise.withResolvers<undefined>();
  const cancel = schedule(() => resolve(undefined), PATIENCE_MS);
  try {
    return await Promise.race([reading, isLate]);
  } finally {
    cancel();
  }
}

/**
 * Finds the message that a thread began with, by the same policy as live messages; `undefined`
 * outside threads, if the session has a turn already, and if the model may not see it. A failure or a
 * long wait at Discord only leaves it out. Rejects with the store's error.
 */
export function threadStarter(
  account: BotAccount,
  message: InboundMessage,
  sessionKey: string,
): Promise<Overheard | undefined> | undefined {
  const { place, id } = message;
  const thread = place.kind === "guild" ? place.thread : undefined;
  return thread && String(thread.id) !== id ? starterOf(account, message, sessionKey) : undefined;
}

async function starterOf(account: BotAccount, message: InboundMessage, sessionKey: string) {
  if ((await account.store.turns.entriesOf(sessionKey, 1)).length > 0) return undefined;
  const reading = readStarter(account, message).catch((error: unknown) => {
    if (account.ended.aborted) return undefined;
    const { channelId } = message;
    const { log } = stateOf(account);
    log.warn("Cannot read a thread's first message; going on without it", { channelId, error });
    return undefined;
  });
  return await inTime(account, reading);
}

/**
 * The thread of a message has the id of the message, which stands in the channel. A forum's post has
 * the same id, but stands in the thread itself.
 */
async function readStarter(
  account: BotAccount,
  { place, guildId }: InboundMessage,
): Promise<Overheard | undefined> {
  if (place.kind !== "guild" || !place.thread || guildId === undefined) return undefined;
  const { channel, thread } = place;
  const starterId = parseSnowflake<"message">(thread.id);
  const parent = account.reader.index.get(guildId)?.channels.get(channel.id);
  const isPost = parent !== undefined && isForum(parent);
  if (!starterId) return undefined;
  // Asking for the message itself is a 404 for each thread that began without one.
  const after = parseSnowflake<"message">(String(BigInt(starterId) - 1n));
  if (!after) return undefined;
  const [raw] = await readHistory(account.rest, isPost ? thread.id : channel.id, {
    after,
    limit: 1,
  });
  if (raw?.id !== starterId) return undefined;
  const shown = await show(account, raw, { guildId, isGroup: false, isElsewhere: false });
  return shown && {
    messageId: shown.id,
    tag: shown.from,
    authorId: shown.fromId,
    text: shown.text,
    sentAt: shown.timestampMs,
    replyTo: shown.replyTo || undefined,
  };
}
