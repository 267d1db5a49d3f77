/** Events of a server that start a turn: `agents.list[].on` (W7). */

import type { ChannelId, GuildId, MessageId, RoleId, UserId } from "../discord/ids.ts";

/** The events, each with the gateway intent that it needs. */
export const SERVER_EVENTS = {
  member_join: "guild_members",
  role_given: "guild_moderation",
  forum_post: "guilds",
  thread_closed: "guilds",
  event_started: "guild_scheduled_events",
  boost: "guild_members",
  pin: "guild_messages",
  reaction: "guild_message_reactions",
} as const;

export type ServerEventName = keyof typeof SERVER_EVENTS;

/** An event of a server, as Discord told it at once, or later over REST. No bot has caused it. */
export interface ServerEvent {
  readonly kind: "server_event";
  readonly event: ServerEventName;
  readonly guildId: GuildId;
  /** Absent for events of a whole server. */
  readonly channelId?: ChannelId;
  /** A thread's channel; otherwise the channel itself. */
  readonly parentId?: ChannelId;
  /** The message that it is about. */
  readonly messageId?: MessageId;
  /** The member whom it is about, or who has caused it. */
  readonly userId?: UserId;
  /** Ids of the messages and people whose words it has. */
  readonly sources: readonly string[];
  /** The given roles, or those of the member. */
  readonly roles: readonly RoleId[];
  /** `"📌"` or `"<:name:id>"`; empty without one. */
  readonly emoji?: string;
  /** Tells it from all others of its kind, however often Discord tells of it. */
  readonly key: string;
  /** Unix time in milliseconds; 0 if Discord does not tell it. */
  readonly at: number;
  /** Discord's payload, and the template of its words. */
  readonly body: unknown;
  readonly template: string;
}
