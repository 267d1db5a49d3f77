/**
 * Opens threads on messages, and changes their members.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel#start-thread-from-message}
 */

import { type ChannelId, parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { may, openChannel } from "../world/access.ts";
import { addThread } from "../world/create_world.ts";
import { type Outcome, refuse } from "../world/refusals.ts";
import type { Thread, World, WorldEvent } from "../world/world.ts";
import { findMessage } from "./history.ts";
import { isArchivedThread } from "./posting_rules.ts";

/** Opens the thread of a message, whose id it has. A message has one thread at most. */
export function openThread(
  world: World,
  channelId: string,
  messageId: string,
  userId: UserId,
  { name, archiveAfterMin }: { readonly name: string; readonly archiveAfterMin?: number },
  now: number,
): Outcome<Thread> {
  const found = findMessage(world, channelId, messageId, userId);
  if (found.kind === "refused") return found;
  const { channel } = found;
  if (channel.kind !== "text") return refuse("notInDms");
  if (!may(world, channel, userId, "open_thread")) return refuse("missingPermissions");
  const id: ChannelId | undefined = parseSnowflake<"channel">(messageId);
  if (!id || world.channels.has(id)) return refuse("threadExists");
  const thread = addThread(
    world,
    channel,
    { name, ownerId: userId, id, ...(archiveAfterMin !== undefined && { archiveAfterMin }) },
    now,
  );
  return { kind: "done", value: thread, events: [{ kind: "channel_created", channel: thread }] };
}

/** Adds a member to a thread; a second time changes nothing. */
export function addThreadMember(
  world: World,
  threadId: string,
  by: UserId,
  member: string,
): Outcome<undefined> {
  const access = openChannel(world, threadId, by, "send");
  if (access.kind === "refused") return access;
  const { channel } = access;
  const userId = parseSnowflake<"user">(member);
  if (channel.kind !== "thread" || !userId || !world.users.has(userId)) {
    return refuse(channel.kind === "thread" ? "unknownUser" : "unknownChannel");
  }
  if (isArchivedThread(channel)) return refuse("threadArchived");
  return { kind: "done", value: undefined, events: joined(channel, userId) };
}

/** Lets a member leave. */
export function leaveThread(thread: Thread, userId: UserId): readonly WorldEvent[] {
  if (!thread.members.delete(userId)) return [];
  return [{ kind: "thread_member_removed", thread, userId }];
}

/** Makes an account a member, as writing does. */
export function joined(thread: Thread, userId: UserId): readonly WorldEvent[] {
  if (thread.members.has(userId)) return [];
  thread.members.add(userId);
  return [{ kind: "thread_member_added", thread, userId }];
}
