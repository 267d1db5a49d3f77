/**
 * Decodes the dispatches that are neither messages nor interactions: reactions (H5), deletions, and
 * changes of a thread's members.
 *
 * Discord describes the person of an added reaction in a guild. In a direct message, and for a
 * removed reaction, it only gives the user's id. Without the intent for members, it tells of a
 * thread's members only the bot itself.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events}
 */

import { z } from "zod";
import {
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
} from "../../../core/discord/lenient.ts";
import type {
  MessagesDeleted,
  Reaction,
  ReactionsCleared,
  ThreadMembersChanged,
} from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/text/quoted.ts";
import type { DecodeFacts } from "./decode.ts";
import { type DecodeProblem, type Dispatch, problemOf, roleIds, userPayload } from "./payloads.ts";
import { placeIn } from "./places.ts";
import { senderOf } from "./senders.ts";

const emojiPayload = z.lazy(() =>
  z.object({
    id: optional(z.union([z.string(), z.number().transform(String)])),
    name: optional(z.string()),
  })
);

const reactionPayload = z.lazy(() =>
  z.object({
    user_id: snowflake<"user">(),
    channel_id: snowflake<"channel">(),
    message_id: snowflake<"message">(),
    guild_id: snowflake<"guild">().nullish(),
    member: z.object({ user: optional(userPayload), roles: roleIds }).nullish(),
    emoji: emojiPayload,
    message_author_id: optional(snowflake<"user">()),
  })
);

const clearedPayload = z.lazy(() =>
  z.object({ message_id: snowflake<"message">(), emoji: optional(emojiPayload) })
);

/** Maximum characters of an emoji's name; Discord allows 32. */
const MAX_EMOJI = 64;

/**
 * Decodes a reaction.
 *
 * @returns `undefined` for the bot's own reactions, and for dispatches of other types.
 */
function decodeReaction(
  { t, d }: Dispatch,
  { accountId, self, index }: DecodeFacts,
): Reaction | ReactionsCleared | DecodeProblem | undefined {
  if (t === "MESSAGE_REACTION_REMOVE_ALL" || t === "MESSAGE_REACTION_REMOVE_EMOJI") {
    return decodeCleared(d);
  }
  const parsed = reactionPayload.safeParse(d);
  if (!parsed.success) return problemOf(parsed.error, "the reaction");
  const { user_id: userId, guild_id: guildId, member, emoji, ...ids } = parsed.data;
  if (userId === self?.userId) return undefined;
  const user = member?.user?.id === userId ? member.user : { id: userId, username: "" };
  const guild = guildId ? index.get(guildId) : undefined;
  const author = ids.message_author_id;
  return {
    kind: "reaction",
    accountId,
    change: t === "MESSAGE_REACTION_ADD" ? "added" : "removed",
    channelId: ids.channel_id,
    guildId: guildId || undefined,
    place: guildId ? placeIn(guildId, ids.channel_id, guild) : { kind: "dm" },
    messageId: ids.message_id,
    sender: senderOf(user, {
      roles: member?.roles,
      automaton: user.bot || user.system ? "bot" : undefined,
    }, guild),
    emoji: emojiText(emoji),
    on: !author || !self ? "unknown" : author === self.userId ? "own" : "other",
  };
}

function decodeCleared(d: unknown): ReactionsCleared | DecodeProblem {
  const parsed = clearedPayload.safeParse(d);
  if (!parsed.success) return problemOf(parsed.error, "the reaction");
  const { message_id: messageId, emoji } = parsed.data;
  return { kind: "reactions_cleared", messageId, emoji: emoji ? emojiText(emoji) : undefined };
}

/** `"👍"` or `"<:name:id>"`. A deleted emoji of a guild has an id and no name. */
function emojiText({ id, name }: z.infer<typeof emojiPayload>): string {
  const shown = bounded(name ?? "deleted", MAX_EMOJI);
  return id ? `<:${shown}:${bounded(id, MAX_EMOJI)}>` : shown;
}

const deletedPayload = z.object({ id: snowflake<"message">(), channel_id: snowflake<"channel">() });
const bulkDeletedPayload = z.lazy(() =>
  z.object({ ids: listOrEmpty(snowflake<"message">()), channel_id: snowflake<"channel">() })
);

/** Decodes the ids of deleted messages. */
function decodeDeletion({ t, d }: Dispatch): MessagesDeleted | DecodeProblem {
  if (t === "MESSAGE_DELETE") {
    const { data } = deletedPayload.safeParse(d);
    if (!data) return { kind: "problem", why: "id does not fit" };
    return { kind: "messages_deleted", channelId: data.channel_id, messageIds: [data.id] };
  }
  const { data } = bulkDeletedPayload.safeParse(d);
  if (!data) return { kind: "problem", why: "ids do not fit" };
  return { kind: "messages_deleted", channelId: data.channel_id, messageIds: data.ids };
}

const threadMembersPayload = z.lazy(() =>
  z.object({
    id: snowflake<"channel">(),
    added_members: listOrEmpty(z.object({ user_id: snowflake<"user">() })),
    removed_member_ids: listOrEmpty(snowflake<"user">()),
  })
);

function decodeThreadMembers({ d }: Dispatch): ThreadMembersChanged | DecodeProblem {
  const parsed = threadMembersPayload.safeParse(d);
  if (!parsed.success) return { kind: "problem", why: "members of a thread do not fit" };
  const { id: threadId, added_members, removed_member_ids: left } = parsed.data;
  const joined = added_members.map(({ user_id }) => user_id);
  return { kind: "thread_members_changed", threadId, joined, left };
}

/** The decoders of this file by Discord's type. */
export const OTHER_EVENTS = {
  MESSAGE_DELETE: decodeDeletion,
  MESSAGE_DELETE_BULK: decodeDeletion,
  THREAD_MEMBERS_UPDATE: decodeThreadMembers,
  MESSAGE_REACTION_ADD: decodeReaction,
  MESSAGE_REACTION_REMOVE: decodeReaction,
  MESSAGE_REACTION_REMOVE_ALL: decodeReaction,
  MESSAGE_REACTION_REMOVE_EMOJI: decodeReaction,
};
