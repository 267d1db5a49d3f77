/**
 * What somebody who is let in is told (P3): in the operator's words, where they have others.
 *
 * @module
 */

import { textRulesOf } from "../../bot/rules/turn_rules.ts";
import { type BotConfig, forAccount } from "../../config/config.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { PairingRequest } from "../../core/inbound/pairing.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../../discord/gateway/decode/guild_index.ts";
import { notice } from "../../render/notices.ts";
import { composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";

/** What tells somebody that they may write now, as their account says it. */
export function welcomesOf(
  config: BotConfig,
): (request: PairingRequest) => readonly Frozen[] {
  const [first] = config.accounts;
  return ({ accountId, channelId }) => {
    // An account that has its token from the service's environment may not be there for a person's.
    const account = config.accounts.find((one) => one.accountId === accountId) ?? first;
    if (!account) return [];
    const token = account.token?.reveal();
    const clean = createSecretFilter(token === undefined ? [] : [token]);
    const text = notice("paired", {}, config.texts);
    return composeSend(
      { accountId, channelId, text },
      textRulesOf(forAccount(config, account), {
        cleanSecrets: (said) => clean(said).text,
        uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES,
      }),
    );
  };
}
