/**
 * Decodes the dispatches that are neither messages nor interactions: reactions (H5), deletions,
 * changes of a thread's members, and events of a server that may start a turn (W7).
 *
 * Discord describes the person of an added reaction in a guild. In a direct message, and for a
 * removed reaction, it only gives the user's id. Without the intent for members, it tells of a
 * thread's members only the bot itself.
 *
 * Discord's REST answers have the same forms as events of a server, so events of a time away are
 * decoded here, too. The audit log alone tells which role is new: GUILD_MEMBER_UPDATE lacks the old ones.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events}
 */

import { ChannelTypes } from "@discordeno/types";
import { z } from "zod";
import { createdAtMs, readSnowflake } from "../../../core/discord/ids.ts";
import {
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
} from "../../../core/discord/lenient.ts";
import type { HookCondition, ServerEvent, ServerEventName } from "../../../core/hooks/hook.ts";
import { holds, memberOf } from "../../../core/hooks/hook.ts";
import type {
  MessagesDeleted,
  Reaction,
  ReactionsCleared,
  ThreadMembersChanged,
} from "../../../core/inbound/inbound.ts";
import { isForum } from "../../../core/rights/rights.ts";
import { bounded, isRecord } from "../../../lib/text/quoted.ts";
import type { DecodeFacts } from "./decode.ts";
import { type DecodeProblem, type Dispatch, problemOf, roleIds, userPayload } from "./payloads.ts";
import { placeIn, senderOf } from "./decode.ts";

/** Paths of the messages and people whose words an event has. */
const SOURCES =
  "id message_id message_reference.message_id target_id user.id author.id owner_id user_id creator_id"
    .split(" ");

type EventReading = readonly [
  event: ServerEventName,
  template: string,
  only: HookCondition,
  /** Path of its time, which tells repeated events apart; absent: that of the id. */
  at?: string,
];

const MEMBER = "member: {{ user.username }}\nid: <@{{ user.id }}>";
const GIVEN = "member: <@{{ target_id }}>\nroles: {{ roles[*].name }}\nby: <@{{ user_id }}>";
const THREAD = "title: {{ name }}\nauthor: <@{{ owner_id }}>";
const PLANNED = "name: {{ name }}\n{{ description }}";
const REACTION =
  "emoji: {{ emoji.name }}\nby: {{ member.user.username || user_id }}\nmessage: {{ message_id }} in <#{{ channel_id }}>";
const ADDED = { action_type: ["25"], "changes[*].key": ["$add"] };
const ACTIVE = { status: ["2"] };
const CLOSED = { "thread_metadata.archived": ["true"] };

const READINGS: { readonly [type: string]: EventReading } = {
  GUILD_MEMBER_ADD: ["member_join", MEMBER, {}, "joined_at"],
  GUILD_MEMBER_UPDATE: ["boost", MEMBER, {}, "premium_since"],
  GUILD_AUDIT_LOG_ENTRY_CREATE: ["role_given", GIVEN, ADDED],
  GUILD_SCHEDULED_EVENT_UPDATE: ["event_started", PLANNED, ACTIVE, "scheduled_start_time"],
  THREAD_CREATE: ["forum_post", THREAD, { newly_created: ["true"] }],
  THREAD_UPDATE: ["thread_closed", THREAD, CLOSED, "thread_metadata.archive_timestamp"],
  MESSAGE_CREATE: ["pin", "pinned by: {{ author.username }}", { type: ["6"] }],
  MESSAGE_REACTION_ADD: ["reaction", REACTION, {}],
};

/** @returns `undefined` for other dispatches, for those that do not fit, and for events of bots. */
export function decodeServerEvent(
  { t, d }: Dispatch,
  { self, index }: DecodeFacts,
): ServerEvent | undefined {
  const reading = READINGS[t];
  if (!reading || !isRecord(d) || t === "MESSAGE_CREATE" && d["type"] !== 6) return undefined;
  const given = t === "GUILD_AUDIT_LOG_ENTRY_CREATE" && Array.isArray(d["changes"])
    ? d["changes"].flatMap((one) => isRecord(one) && one["key"] === "$add" ? one["new_value"] : [])
    : undefined;
  const body = given ? { ...d, roles: given } : d;
  const read = (...paths: readonly string[]) =>
    paths.map((path) => path.split(".").reduce<unknown>(memberOf, body)).find(Boolean);
  const idAt = <Kind extends string>(...paths: readonly string[]) =>
    readSnowflake<Kind>(read(...paths));
  const [event, template, only, at = ""] = reading;
  const id = idAt("id");
  const time = at ? Date.parse(String(read(at))) : id ? createdAtMs(id) : 0;
  const guildId = idAt<"guild">("guild_id");
  const isOfBot = read("user.bot", "author.bot", "member.user.bot") ||
    idAt("user_id", "owner_id", "author.id") === self?.userId;
  if (
    !guildId || isOfBot || Number.isNaN(time) ||
    !holds(only, { body })
  ) return undefined;

  const channels = index.get(guildId)?.channels;
  const thread = idAt<"channel">("parent_id");
  const parent = thread && channels?.get(thread);
  if (event === "forum_post" && !(parent && isForum(parent))) return undefined;
  const channelId = idAt<"channel">(thread ? "id" : "channel_id");
  const here = channelId && channels?.get(channelId);
  const messageId = idAt<"message">("message_id", "message_reference.message_id");
  if (messageId && !here) return undefined;
  const userId = idAt<"user">("target_id", "user.id", "author.id", "owner_id", "user_id");
  const emoji = String(read("emoji.name") ?? "");
  const roles = read("roles", "member.roles");
  const sources = SOURCES.flatMap((path) => idAt(path) ?? []);
  return {
    ...{
      kind: "server_event",
      event,
      guildId,
      channelId,
      userId,
      at: time,
      body,
      template,
      sources,
    },
    isPrivateThread: [d["type"], here?.type].includes(ChannelTypes.PrivateThread),
    parentId: thread ?? (channelId && placeIn(guildId, channelId, index.get(guildId)).channel.id),
    messageId,
    roles: (Array.isArray(roles) ? roles : [])
      .flatMap((role) => readSnowflake<"role">(isRecord(role) ? role["id"] : role) ?? []),
    emoji: idAt("emoji.id") ? `<:${emoji}:${idAt("emoji.id")}>` : emoji,
    key: [id ?? userId, at && time, idAt("emoji.id") ?? emoji].join(":"),
  };
}

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
