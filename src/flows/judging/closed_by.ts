/** Finds the config path that closes a channel to a person (P6–P9). */

import type { BotAccount } from "../../account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { GuildTarget } from "../actions/options.ts";
import { latest } from "../../lib/cache.ts";
import { isOwner } from "../owners/owner_ids.ts";
import { perAccount } from "../../account/per_account.ts";
import { prepareClosedBy } from "../../policy/place_access.ts";

const prepared = perAccount(
  "access",
  ({ policy }) => latest(policy, ({ policy }) => prepareClosedBy(policy)),
);

/** @returns `undefined` if the channel is open. */
export function closedBy(
  account: BotAccount,
  asker: InboundMessage,
  { guildId, ...target }: GuildTarget,
): string | undefined {
  return prepared(account)()({
    channelId: target.channelId,
    place: placeOfTarget(guildId, target, account.reader.index.get(guildId)),
    sender: asker.sender,
    isOwner: isOwner(account, asker),
  });
}
