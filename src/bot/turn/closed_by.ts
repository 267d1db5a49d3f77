/** Finds the rule of the config that closes a channel to a person (P6–P9), by the current policy. */

import { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { ActionsOptions } from "../../discord/rest/actions/options.ts";
import { latest } from "../../lib/cache.ts";
import { prepareClosedBy } from "../../policy/places.ts";
import type { AccountContext } from "../account_context.ts";
import type { TurnRulesPorts } from "../rules/turn_rules.ts";

export function createClosedBy(
  { policy }: Pick<AccountContext, "policy">,
  { reader, isOwner }: Pick<TurnRulesPorts, "isOwner"> & { readonly reader: Pick<Reader, "index"> },
): ActionsOptions["closedBy"] {
  const closed = latest(policy, ({ policy }) => prepareClosedBy(policy));
  return (asker, { guildId, ...target }) =>
    closed()({
      channelId: target.channelId,
      place: placeOfTarget(guildId, target, reader.index.get(guildId)),
      sender: asker.sender,
      isOwner: isOwner(asker),
    });
}
