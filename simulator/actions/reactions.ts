/** Adds and removes reactions, and shows typing. */

import type { UserId } from "../../src/core/discord/ids.ts";
import { may, openChannel } from "../world/access.ts";
import { findMessage } from "./history.ts";
import { isArchivedThread } from "./posting_rules.ts";
import { type Outcome, refuse } from "../world/refusals.ts";
import type { Message, World } from "../world/world.ts";

/** Different emoji that one message can have. */
const MAX_EMOJI = 20;

/**
 * Adds a reaction; a second time changes nothing.
 *
 * @param emoji Decoded from the path: `"👀"`, or `"name:id"` of a custom one.
 */
export function addReaction(
  world: World,
  channelId: string,
  messageId: string,
  userId: UserId,
  emoji: string,
): Outcome<undefined> {
  if (!isEmoji(emoji)) return refuse("unknownEmoji");
  const found = findMessage(world, channelId, messageId, userId);
  if (found.kind === "refused") return found;
  const { channel, message } = found;
  if (!isKnown(world, message, userId, emoji)) return refuse("unknownEmoji");
  if (isArchivedThread(channel)) return refuse("threadArchived");
  const isNew = !message.reactions.has(emoji);
  const act = isNew ? "react" : "read_history";
  if (!may(world, channel, userId, act)) return refuse("missingPermissions");
  if (isNew && message.reactions.size >= MAX_EMOJI) return refuse("tooManyReactions");
  const users = message.reactions.get(emoji) ?? new Set();
  if (users.has(userId)) return { kind: "done", value: undefined, events: [] };
  message.reactions.set(emoji, users.add(userId));
  return {
    kind: "done",
    value: undefined,
    events: [{ kind: "reaction_added", message, userId, emoji }],
  };
}

/** Removes one's own reaction; does nothing if there is none. */
export function removeReaction(
  world: World,
  channelId: string,
  messageId: string,
  userId: UserId,
  emoji: string,
): Outcome<undefined> {
  if (!isEmoji(emoji)) return refuse("unknownEmoji");
  const found = findMessage(world, channelId, messageId, userId);
  if (found.kind === "refused") return found;
  const { message } = found;
  if (!isKnown(world, message, userId, emoji)) return refuse("unknownEmoji");
  const users = message.reactions.get(emoji);
  if (!users?.delete(userId)) return { kind: "done", value: undefined, events: [] };
  if (users.size === 0) message.reactions.delete(emoji);
  return {
    kind: "done",
    value: undefined,
    events: [{ kind: "reaction_removed", message, userId, emoji }],
  };
}

/** Shows that an account types, for ten seconds or until it has written. */
export function startTyping(
  world: World,
  channelId: string,
  userId: UserId,
  now: number,
): Outcome<undefined> {
  const access = openChannel(world, channelId, userId, "send");
  if (access.kind === "refused") return access;
  const { id } = access.channel;
  return {
    kind: "done",
    value: undefined,
    events: [{ kind: "typing_started", channelId: id, userId, at: now }],
  };
}

/**
 * Whether an account may use an emoji on a message: its servers have a custom one, or the message
 * has such a reaction already, which anyone may join.
 */
function isKnown(world: World, { reactions }: Message, userId: UserId, emoji: string): boolean {
  const [, id] = emoji.split(":");
  if (id === undefined || reactions.has(emoji)) return true;
  return [...world.guilds.values()].some(({ members, things }) =>
    members.has(userId) && things.emojis.has(id)
  );
}

/** A custom emoji by name and id, or a text with an emoji of Unicode. */
function isEmoji(text: string): boolean {
  if (/^\w{2,32}:\d{1,20}$/.test(text)) return true;
  return text.length <= 32 && !/\s/.test(text) &&
    /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u.test(text);
}
