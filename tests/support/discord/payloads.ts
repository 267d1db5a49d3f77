/** Discord's payloads, with every field that Discord sends and that a test may need. */

import type { Self } from "../../../src/core/inbound/inbound.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";

export const SELF: Self = {
  userId: parseSnowflake<"user">("1500000000000000001")!,
  applicationId: parseSnowflake<"application">("1500000000000000002")!,
  username: "barnacle",
};
export const GUILD = parseSnowflake<"guild">("1600000000000000001")!;
export const CHANNEL = parseSnowflake<"channel">("1700000000000000001")!;
export const THREAD = parseSnowflake<"channel">("1700000000000000002")!;
export const OWN_ROLE = parseSnowflake<"role">("1800000000000000001")!;
export const OTHER_ROLE = parseSnowflake<"role">("1800000000000000002")!;

type Fields = Readonly<Record<string, unknown>>;

export const ADA = {
  id: "1900000000000000001",
  username: "ada",
  global_name: "The Countess",
  discriminator: "0",
  avatar: null,
};
export const BARNACLE = {
  id: SELF.userId,
  username: SELF.username,
  discriminator: "0042",
  bot: true,
};

/** Ada's message in the guild's channel, as in MESSAGE_CREATE. */
export function messageData(fields: Fields = {}): Fields {
  return {
    id: "1400000000000000001",
    type: 0,
    channel_id: CHANNEL,
    channel_type: 0,
    guild_id: GUILD,
    author: ADA,
    member: { roles: [OTHER_ROLE], nick: "Countess" },
    content: "hello",
    timestamp: "2025-07-30T10:00:00.000000+00:00",
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    pinned: false,
    components: [],
    flags: 0,
    ...fields,
  };
}

/** The guild with one channel, one thread and two roles, as in GUILD_CREATE. */
export function guildData(fields: Fields = {}): Fields {
  return {
    id: GUILD,
    name: "Friends",
    unavailable: false,
    member_count: 3,
    roles: [
      { id: OWN_ROLE, name: "Barnacle", tags: { bot_id: SELF.userId } },
      { id: OTHER_ROLE, name: "Moderators" },
    ],
    channels: [{ id: CHANNEL, type: 0, name: "help-desk", topic: "ask here", parent_id: null }],
    threads: [
      {
        id: THREAD,
        type: 11,
        name: "a leak",
        parent_id: CHANNEL,
        thread_metadata: { archived: false },
      },
    ],
    members: [],
    presences: [],
    emojis: [],
    ...fields,
  };
}

/** Ada presses a button of the bot in their direct messages, as in INTERACTION_CREATE. */
export function pressData(fields: Fields = {}): Fields {
  return {
    id: "1450000000000000001",
    application_id: SELF.applicationId,
    type: 3,
    token: "aW50ZXJhY3Rpb246dGVzdA",
    version: 1,
    channel_id: "1700000000000000055",
    channel: { id: "1700000000000000055", type: 1 },
    context: 1,
    user: ADA,
    message: { id: "1400000000000000077", content: "Let Bob in?", author: BARNACLE },
    data: { component_type: 2, custom_id: "approve-1", id: 2 },
    ...fields,
  };
}
