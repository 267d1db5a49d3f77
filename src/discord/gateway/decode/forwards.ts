/**
 * Decides how much of a forwarded message a model sees (H9).
 *
 * A forward brings the words of another place. Discord shows it to all readers of the channel, and
 * hides its spoilers until a person clicks them.
 *
 * @module
 */

import type { Place } from "../../../core/inbound/inbound.ts";
import type { GuildIndex } from "./guild_index.ts";
import type { MessagePayload } from "./payloads.ts";
import { placeIn } from "./places.ts";

/**
 * `whole`: it is from the same channel. `without-spoilers`: it is from another one. `nothing`: that
 * one is age-restricted, and the message's place is not.
 */
export type ForwardRule = "whole" | "without-spoilers" | "nothing";

/**
 * Decides about the forwards of a message.
 *
 * Barnacle knows the age limit of channels in its own guilds only. Discord itself lets people forward
 * no message of an age-restricted channel to other channels.
 */
export function forwardRuleOf(
  { channel_id, message_reference }: Pick<MessagePayload, "channel_id" | "message_reference">,
  place: Place,
  index: GuildIndex,
): ForwardRule {
  const { channel_id: from, guild_id: guildId } = message_reference ?? {};
  if (from === channel_id) return "whole";
  const origin = from && guildId && placeIn(guildId, from, index.get(guildId));
  const isRestrictedHere = place.kind === "guild" && place.isAgeRestricted;
  return origin && origin.isAgeRestricted && !isRestrictedHere ? "nothing" : "without-spoilers";
}
