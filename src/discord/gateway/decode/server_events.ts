/**
 * Decodes the events of a server that may start a turn (W7), by the conditions and templates of hooks
 * (W4). Discord's REST answers have the same forms, so events of a time away are decoded here, too.
 *
 * The audit log alone tells which role is new: GUILD_MEMBER_UPDATE lacks the old ones.
 */

import { createdAtMs, parseSnowflake, readSnowflake } from "../../../core/discord/ids.ts";
import { holds } from "../../../core/hooks/event.ts";
import type { HookCondition } from "../../../core/hooks/hook.ts";
import type { ServerEvent, ServerEventName } from "../../../core/hooks/server_event.ts";
import { renderTemplate } from "../../../core/hooks/template.ts";
import { isForum } from "../../../core/rights/channel.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { DecodeFacts } from "./decode.ts";
import type { Dispatch } from "./payloads.ts";
import { placeIn } from "./places.ts";

interface Reading {
  readonly event: ServerEventName;
  readonly only?: HookCondition;
  /** Path of its time, which tells repeated events apart; absent: that of the id. */
  readonly at?: string;
  readonly template: string;
}

const MEMBER = "member: {{ user.username }}\nid: <@{{ user.id }}>";
const THREAD = "title: {{ name }}\nauthor: <@{{ owner_id }}>";

const READINGS: { readonly [type: string]: Reading } = {
  GUILD_MEMBER_ADD: { event: "member_join", at: "joined_at", template: MEMBER },
  GUILD_MEMBER_UPDATE: { event: "boost", at: "premium_since", template: MEMBER },
  GUILD_AUDIT_LOG_ENTRY_CREATE: {
    event: "role_given",
    only: { action_type: ["25"], "changes[*].key": ["$add"] },
    template: "member: <@{{ target_id }}>\nroles: {{ roles[*].name }}\nby: <@{{ user_id }}>",
  },
  GUILD_SCHEDULED_EVENT_UPDATE: {
    event: "event_started",
    only: { status: ["2"] },
    at: "scheduled_start_time",
    template: "name: {{ name }}\n{{ description }}",
  },
  THREAD_CREATE: { event: "forum_post", only: { newly_created: ["true"] }, template: THREAD },
  THREAD_UPDATE: {
    event: "thread_closed",
    only: { "thread_metadata.archived": ["true"] },
    at: "thread_metadata.archive_timestamp",
    template: THREAD,
  },
  MESSAGE_CREATE: {
    event: "pin",
    only: { type: ["6"] },
    template: "pinned by: {{ author.username }}",
  },
  MESSAGE_REACTION_ADD: {
    event: "reaction",
    template: "emoji: {{ emoji.name }}\nby: {{ member.user.username || user_id }}",
  },
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
  const values = { body, text: "", header: () => undefined };
  const read = (paths: string) => renderTemplate(`{{ ${paths} }}`, values, "plain");
  const idAt = <Kind extends string>(paths: string) => parseSnowflake<Kind>(read(paths));
  const { event, only = {}, at = "", template } = reading;
  const id = idAt("id");
  const date = at && read(at);
  const time = at ? Date.parse(date) : id ? createdAtMs(id) : 0;
  const guildId = idAt<"guild">("guild_id");
  const isOfBot = read("user.bot || author.bot || member.user.bot") === "true" ||
    idAt("user_id || owner_id || author.id") === self?.userId;
  if (!guildId || isOfBot || Number.isNaN(time) || !holds(only, values)) return undefined;

  const channels = index.get(guildId)?.channels;
  const thread = idAt<"channel">("parent_id");
  const parent = thread && channels?.get(thread);
  if (event === "forum_post" && !(parent && isForum(parent))) return undefined;
  const channelId = idAt<"channel">(thread ? "id" : "channel_id");
  const userId = idAt<"user">("target_id || user.id || author.id || owner_id || user_id");
  const emoji = read("emoji.name");
  const roles = body["roles"] ?? (isRecord(d["member"]) ? d["member"]["roles"] : undefined);
  return {
    ...{ kind: "server_event", event, guildId, channelId, userId, at: time, body, template },
    parentId: thread ?? (channelId && placeIn(guildId, channelId, index.get(guildId)).channel.id),
    messageId: idAt("message_id || message_reference.message_id"),
    roles: (Array.isArray(roles) ? roles : [])
      .flatMap((role) => readSnowflake<"role">(isRecord(role) ? role["id"] : role) ?? []),
    emoji: idAt("emoji.id") ? `<:${emoji}:${idAt("emoji.id")}>` : emoji,
    key: [id ?? userId, date, idAt("emoji.id") ?? emoji].join(":"),
  };
}
