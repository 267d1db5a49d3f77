/**
 * Decides whether a user may see a channel, write in it, read its history or react in it.
 *
 * Discord distinguishes three refusals, and so must bots that report them: there is no such channel
 * (10003), the user cannot see it (50001), or lacks a permission there (50013).
 */

import { type ChannelId, parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { channelPermissions, PERMISSION } from "./permissions.ts";
import { refuse, type Refused } from "./refusals.ts";
import { type Channel, isPrivate, type World } from "./world.ts";

export type Action =
  | "view"
  | "send"
  | "read_history"
  | "react"
  | "attach"
  | "manage_messages"
  | "open_thread";

export type Access =
  | { readonly kind: "allowed"; readonly channel: Channel }
  | { readonly kind: "refused"; readonly refused: Refused };

/** Finds a channel by the id in a path, and decides whether `userId` may do `act` there. */
export function openChannel(world: World, id: string, userId: UserId, act: Action): Access {
  const channelId: ChannelId | undefined = parseSnowflake<"channel">(id);
  const channel = channelId && world.channels.get(channelId);
  if (!channel) return refuse("unknownChannel");
  if (!may(world, channel, userId, "view")) return refuse("missingAccess");
  if (!may(world, channel, userId, act)) return refuse("missingPermissions");
  return { kind: "allowed", channel };
}

/**
 * Whether `userId` may do `act` in `channel`. In a private channel, all its members may do
 * everything.
 */
export function may(world: World, channel: Channel, userId: UserId, act: Action): boolean {
  if (isPrivate(channel)) {
    return channel.recipients.includes(userId) && act !== "manage_messages" &&
      act !== "open_thread";
  }
  const bits = channelPermissions(world, channel, userId);
  switch (act) {
    case "view":
      return (bits & PERMISSION.viewChannel) !== 0n;
    case "send":
      return channel.kind === "thread"
        ? (bits & PERMISSION.sendMessagesInThreads) !== 0n
        : (bits & PERMISSION.sendMessages) !== 0n;
    case "read_history":
      return (bits & PERMISSION.readMessageHistory) !== 0n;
    case "react":
      return (bits & PERMISSION.addReactions) !== 0n &&
        (bits & PERMISSION.readMessageHistory) !== 0n;
    case "attach":
      return (bits & PERMISSION.attachFiles) !== 0n;
    case "open_thread":
      return (bits & PERMISSION.createPublicThreads) !== 0n;
    case "manage_messages":
      return (bits & PERMISSION.manageMessages) !== 0n;
  }
}
