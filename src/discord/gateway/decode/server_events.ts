/**
 * Decodes the events of a server that may start a turn (W7), by the conditions and templates of hooks
 * (W4). Discord's REST answers have the same forms, so events of a time away are decoded here, too.
 *
 * The audit log alone tells which role is new: GUILD_MEMBER_UPDATE lacks the old ones.
 */

import { ChannelTypes } from "@discordeno/types";
import { createdAtMs, readSnowflake } from "../../../core/discord/ids.ts";
import { holds, memberOf } from "../../../core/hooks/template.ts";
import type { HookCondition, ServerEvent, ServerEventName } from "../../../core/hooks/hook.ts";
import { isForum } from "../../../core/rights/permissions.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { DecodeFacts } from "./decode.ts";
import type { Dispatch } from "./payloads.ts";
import { placeIn } from "./places.ts";

/** Paths of the messages and people whose words an event has. */
const SOURCES =
  "id message_id message_reference.message_id target_id user.id author.id owner_id user_id creator_id"
    .split(" ");
const PRIVATE = ChannelTypes.PrivateThread; // its words are for few

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
    !holds(only, { body, text: "", header: () => undefined })
  ) return undefined;

  const channels = index.get(guildId)?.channels;
  const thread = idAt<"channel">("parent_id");
  const parent = thread && channels?.get(thread);
  if (event === "forum_post" && !(parent && isForum(parent))) return undefined;
  const channelId = idAt<"channel">(thread ? "id" : "channel_id");
  const here = channelId && channels?.get(channelId);
  const messageId = idAt<"message">("message_id", "message_reference.message_id");
  if ([d["type"], here?.type].includes(PRIVATE) || (messageId && !here)) return undefined;
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
    parentId: thread ?? (channelId && placeIn(guildId, channelId, index.get(guildId)).channel.id),
    messageId,
    roles: (Array.isArray(roles) ? roles : [])
      .flatMap((role) => readSnowflake<"role">(isRecord(role) ? role["id"] : role) ?? []),
    emoji: idAt("emoji.id") ? `<:${emoji}:${idAt("emoji.id")}>` : emoji,
    key: [id ?? userId, at && time, idAt("emoji.id") ?? emoji].join(":"),
  };
}
