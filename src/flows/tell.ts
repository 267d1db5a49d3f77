/** Sends texts of the bot's own to a channel or a person, by the outbox. */

import type { BotAccount } from "../account/account.ts";
import { cleanSecrets, wakeChannels } from "../account/per_account.ts";
import { replyRulesOf } from "../config/config.ts";
import type { ChannelId, UserId } from "../core/discord/ids.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../discord/gateway/decode/guild_index.ts";
import { openDirect } from "../discord/rest/requests/guild_reads.ts";
import { composeSend, type TextRules } from "../render/reply.ts";

/**
 * Sends a text to a channel.
 *
 * @param buttons Stand below its last message.
 * @throws {StoreError} If the store fails.
 */
export function tellChannel(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  buttons: readonly Button[] = [],
): Promise<void> {
  return send(account, channelId, withButtons(composed(account, channelId, text), buttons));
}

/**
 * Sends a text to a person, by direct message.
 *
 * @throws {RestError} If Discord opens no direct channel.
 */
export async function tellPerson(account: BotAccount, userId: UserId, text: string): Promise<void> {
  await tellChannel(account, await openDirect(account.rest, userId), text);
}

/**
 * Sends a text to a channel, once for each key.
 *
 * @throws {StoreError} If the store fails.
 */
export function tellOnce(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  key: string,
): Promise<void> {
  return send(account, channelId, composedOnce(account, channelId, text, key));
}

/** The messages of such a text. */
export function composedOnce(
  account: BotAccount,
  channelId: ChannelId,
  text: string,
  key: string,
): readonly Frozen[] {
  return composed(account, channelId, text, `${account.accountId}:${key}`);
}

/** They have no previews, as answers to commands have none (K2). */
function composed(account: BotAccount, channelId: ChannelId, text: string, callKey?: string) {
  const { accountId } = account;
  return composeSend(
    { accountId, channelId, text, callKey, suppressesEmbeds: true },
    rulesOf(account),
  );
}

async function send(
  account: BotAccount,
  channelId: ChannelId,
  composed: readonly Frozen[],
): Promise<void> {
  await account.store.outbox.addAll(composed, account.now());
  wakeChannels(account, [channelId]);
}

function rulesOf(account: BotAccount): TextRules {
  return replyRulesOf(account.config(), {
    cleanSecrets: (text) => cleanSecrets(account, text),
    uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES,
  });
}

function withButtons(composed: readonly Frozen[], buttons: readonly Button[]): readonly Frozen[] {
  if (buttons.length === 0) return composed;
  const last = composed.length - 1;
  return composed.map((frozen, index) =>
    index === last ? { ...frozen, message: { ...frozen.message, buttons } } : frozen
  );
}
