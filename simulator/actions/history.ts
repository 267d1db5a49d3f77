/**
 * Reads a channel's history.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#get-channel-messages}
 */

import {
  compareIds,
  parseSnowflake,
  type Snowflake,
  type UserId,
} from "../../src/core/discord/ids.ts";
import { may, openChannel } from "../world/access.ts";
import { refuse } from "../world/refusals.ts";
import type { Channel, Message, World } from "../world/world.ts";

/** Finds a message that `reader` may see. */
export function findMessage(world: World, channelId: string, messageId: string, reader: UserId):
  | { readonly kind: "found"; readonly channel: Channel; readonly message: Message }
  | ReturnType<typeof refuse> {
  const access = openChannel(world, channelId, reader, "view");
  if (access.kind === "refused") return access;
  const { channel } = access;
  const id = parseSnowflake<"message">(messageId);
  const message = id && channel.messages.get(id);
  return message ? { kind: "found", channel, message } : refuse("unknownMessage");
}

/** Position in a channel; at most one of the three ids. */
export interface Page {
  readonly before?: Snowflake;
  readonly after?: Snowflake;
  readonly around?: Snowflake;
  /** 1 to 100. */
  readonly limit: number;
}

/**
 * Reads a channel's history, newest first. Without the permission, the result is empty and no
 * error.
 */
export function listMessages(
  world: World,
  channel: Channel,
  reader: UserId,
  { before, after, around, limit }: Page,
): readonly Message[] {
  if (!may(world, channel, reader, "read_history")) return [];
  const all = [...channel.messages.values()];
  if (after) return all.slice(firstAbove(all, after)).slice(0, limit).reverse();
  if (around) {
    const middle = firstAbove(all, around);
    const from = Math.max(0, middle - Math.ceil(limit / 2));
    return all.slice(from, from + limit).reverse();
  }
  const end = before ? firstAbove(all, before, true) : all.length;
  return all.slice(Math.max(0, end - limit), end).reverse();
}

/** Index of the first message whose id is above `id`, or with `orEqual` not below it. */
function firstAbove(messages: readonly Message[], id: Snowflake, orEqual = false): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareIds(messages[middle]?.id ?? id, id);
    if (order > 0 || (orEqual && order === 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}
