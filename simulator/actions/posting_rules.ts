/** Decides whether a channel takes a message, files and threads included. */

import { may } from "../world/access.ts";
import { isEmpty, type MessageDraft } from "./draft.ts";
import { channelPermissions, PERMISSION } from "../world/permissions.ts";
import { refuse } from "../world/refusals.ts";
import { type Author, type Channel, isPrivate, type Thread, type World } from "../world/world.ts";
import type { UserId } from "../../src/core/discord/ids.ts";

const MIB = 1024 * 1024;

/** Bytes of one file, by a guild's boost level; direct messages have the first. */
const UPLOAD_LIMIT_BYTES = [10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB] as const;

/**
 * The refusal; `undefined` if there is none. The caller has checked that the author sees the
 * channel and may send there.
 */
export function postingRefusal(
  world: World,
  channel: Channel,
  author: Author,
  draft: MessageDraft,
): ReturnType<typeof refuse> | undefined {
  if (channel.kind === "forum" || channel.kind === "category") return refuse("notText");
  if (draft.poll && author.kind === "user" && !mayPoll(world, channel, author.userId)) {
    return refuse("missingPermissions");
  }
  if (isEmpty(draft)) return refuse("emptyMessage");
  if (author.kind === "webhook") return undefined;
  if (channel.kind === "thread" && channel.isLocked && !mayUnlock(world, channel, author.userId)) {
    return refuse("threadLocked");
  }
  if (draft.attachments.length > 0 && !may(world, channel, author.userId, "attach")) {
    return refuse("missingPermissions");
  }
  const isByBot = world.users.get(author.userId)?.isBot ?? false;
  if (isByBot && !areWithinUploadLimit(world, channel, draft.attachments)) {
    return refuse("tooLarge");
  }
  const isClosed = channel.kind === "dm" && isByBot &&
    channel.recipients.some((id) => id !== author.userId && !takesDms(world, id));
  return isClosed ? refuse("cannotDm") : undefined;
}

/**
 * Whether a bot may upload these files: the limit applies to each file, and people may have paid
 * for more.
 */
export function areWithinUploadLimit(
  world: World,
  channel: Channel,
  files: readonly { readonly sizeBytes: number }[],
): boolean {
  const guild = isPrivate(channel) ? undefined : world.guilds.get(channel.guildId);
  const limit = UPLOAD_LIMIT_BYTES[guild?.premiumTier ?? 0];
  return files.every(({ sizeBytes }) => sizeBytes <= limit);
}

/**
 * Whether everything but writing is refused: an archived thread takes no edits and no reactions.
 */
export function isArchivedThread(channel: Channel): boolean {
  return channel.kind === "thread" && channel.isArchived;
}

function mayUnlock(world: World, thread: Thread, userId: UserId): boolean {
  return (channelPermissions(world, thread, userId) & PERMISSION.manageThreads) !== 0n;
}

function mayPoll(world: World, channel: Channel, userId: UserId): boolean {
  return isPrivate(channel) ||
    (channelPermissions(world, channel, userId) & PERMISSION.sendPolls) !== 0n;
}

function takesDms(world: World, userId: UserId): boolean {
  const user = world.users.get(userId);
  return user !== undefined && user.acceptsDms && !user.isBot;
}
