/**
 * Composes the message to a user whose pairing was approved (P3).
 *
 * @module
 */

import { textRulesOf } from "../../bot/rules/turn_rules.ts";
import { type BotConfig, forAccount } from "../../config/config.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { PairingRequest } from "../../core/inbound/pairing.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../../discord/gateway/decode/guild_index.ts";
import { notice } from "../../render/notices/notices.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";

/** Returns a function that composes the message in the texts of the user's account. */
export function welcomesOf(
  config: BotConfig,
): (request: PairingRequest) => readonly Frozen[] {
  const [first] = config.accounts;
  return ({ accountId, channelId }) => {
    // An account whose token is in the service's environment may be missing in the user's shell.
    const account = config.accounts.find((other) => other.accountId === accountId) ?? first;
    if (!account) return [];
    const token = account.token?.reveal();
    const clean = createSecretFilter(token === undefined ? [] : [token]);
    const text = notice("paired", {}, config.texts);
    return composeSend(
      { accountId, channelId, text },
      textRulesOf(forAccount(config, account), {
        cleanSecrets: (text) => clean(text).text,
        uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES,
      }),
    );
  };
}
