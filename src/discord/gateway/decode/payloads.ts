/**
 * Schemas of Discord's payloads.
 *
 * They contain only the fields that Barnacle uses, and drop all others. Fields that decide about a
 * message must have the expected shape, or the message is a problem. Embeds, polls and the like may
 * have any shape: Discord invents new kinds faster than operators update bots.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#message-object}
 */

import { z } from "zod";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import { parseSnowflake } from "../../../core/discord/ids.ts";

/** A parsed dispatch; its data is not validated yet. */
export interface Dispatch {
  /** Discord's type of the dispatch. */
  readonly t: string;
  /** Sequence number within the session. */
  readonly s: number;
  /** The data. */
  readonly d: unknown;
}

/** A payload that does not have the expected shape. */
export interface DecodeProblem {
  readonly kind: "problem";
  /** Names fields, and never their contents. */
  readonly why: string;
}

/** The problem of a payload; `what` names it if no field of it is to blame. */
export function problemOf({ issues }: z.ZodError, what: string): DecodeProblem {
  return { kind: "problem", why: `${issues[0]?.path.join(".") || what} does not fit` };
}

/** A list of optional parts. If one has an unexpected shape, the list is absent. */
function leniently<Item extends z.ZodType>(item: Item) {
  return z.array(item).optional().catch(undefined);
}

/** A user, as far as a sender needs it. */
export const userPayload = z.object({
  id: snowflake<"user">(),
  username: z.string(),
  discriminator: z.string().nullish(),
  /** The display name; any person can take any. */
  global_name: z.string().nullish().catch(undefined),
  bot: z.boolean().nullish(),
  system: z.boolean().nullish(),
});

/** A file of a message, or of a submitted modal. */
export const attachmentPayload = z.lazy(() =>
  z.object({
    filename: z.string(),
    content_type: z.string().nullish(),
    size: z.number(),
    description: z.string().nullish(),
    flags: z.number().nullish().catch(undefined),
    /** Discord always sends both; a file without them can be described, but not read. */
    id: snowflake<"attachment">().optional().catch(undefined),
    url: z.string().optional().catch(undefined),
    width: z.number().nullish().catch(undefined),
    height: z.number().nullish().catch(undefined),
    /** Only of voice messages. */
    duration_secs: z.number().nullish().catch(undefined),
    waveform: z.string().nullish().catch(undefined),
  })
);
const namedPayload = z.object({ name: z.string() });
/** A picture or video of an embed, with its alt text. */
const embedMedia = z.object({ description: z.string().nullish() }).nullish().catch(undefined);
const embedPayload = z.lazy(() =>
  z.object({
    type: z.string().nullish().catch(undefined),
    title: z.string().nullish(),
    description: z.string().nullish(),
    url: z.string().nullish(),
    author: namedPayload.nullish(),
    /** The website of a link's preview. */
    provider: z.object({ name: z.string().nullish() }).nullish().catch(undefined),
    fields: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
    image: embedMedia,
    thumbnail: embedMedia,
    video: embedMedia,
    footer: z.object({ text: z.string() }).nullish().catch(undefined),
  })
);
const pollMedia = z.object({
  text: z.string().nullish(),
  emoji: z.object({ name: z.string().nullish() }).nullish().catch(undefined),
});
const pollPayload = z.lazy(() =>
  z.object({
    question: pollMedia,
    answers: z.array(z.object({
      answer_id: z.number().optional().catch(undefined),
      poll_media: pollMedia,
    })),
    allow_multiselect: z.boolean().optional().catch(undefined),
    /** Absent if Discord does not tell the votes with this message. */
    results: z.object({
      is_finalized: z.boolean(),
      /** Answers without votes may be absent. */
      answer_counts: z.array(z.object({ id: z.number(), count: z.number() })),
    }).nullish().catch(undefined),
  })
);

/**
 * The content of a message, without author and place. A forwarded message has only these fields.
 */
const contentFields = {
  content: z.string().default(""),
  attachments: leniently(attachmentPayload),
  embeds: leniently(embedPayload),
  sticker_items: leniently(namedPayload),
  poll: pollPayload.optional().catch(undefined),
  /** May be nested; `describe_components.ts` reads them. */
  components: leniently(z.unknown()),
};

/** The content of a message or of a forwarded one. */
export const contentPayload = z.object(contentFields);
/** A forwarded message. Discord tells no author; other servers may. */
export const snapshotPayload = contentPayload.extend({
  author: userPayload.pick({ username: true, discriminator: true }).optional().catch(undefined),
});
/** Validated payload of a forwarded message. */
export type SnapshotPayload = z.infer<typeof snapshotPayload>;
/** Validated {@link contentPayload}. */
export type ContentPayload = z.infer<typeof contentPayload>;

/** The message that a reply quotes, or that a forward copies. */
const referenceFields = {
  message_reference: z.object({
    message_id: snowflake<"message">().optional(),
    channel_id: snowflake<"channel">().optional().catch(undefined),
    guild_id: snowflake<"guild">().optional().catch(undefined),
  }).nullish(),
  message_snapshots: leniently(z.object({ message: snapshotPayload })),
};

const referencedPayload = z.object({ ...contentFields, ...referenceFields, author: userPayload });

/** A message of MESSAGE_CREATE, or of a channel's history. */
export const messagePayload = z.lazy(() =>
  z.object({
    ...contentFields,
    id: snowflake<"message">(),
    type: z.number(),
    channel_id: snowflake<"channel">(),
    channel_type: z.number().optional(),
    guild_id: snowflake<"guild">().nullish(),
    author: userPayload,
    member: z.object({
      roles: z.array(snowflake<"role">()),
      nick: z.string().nullish().catch(undefined),
    }).nullish(),
    webhook_id: z.string().nullish(),
    /** Set if an application made the webhook. A malformed id counts as absent. */
    application_id: snowflake<"application">().optional().catch(undefined),
    /** Set on answers to slash commands and buttons; its content is not used. */
    interaction_metadata: z.unknown().optional(),
    nonce: z.union([z.string(), z.number()]).nullish(),
    edited_timestamp: z.string().nullish(),
    mentions: z.array(z.object({ id: snowflake<"user">() })).default([]),
    mention_roles: z.array(snowflake<"role">()).default([]),
    ...referenceFields,
    referenced_message: referencedPayload.nullish().catch(undefined),
  })
);
/** Validated {@link messagePayload}. */
export type MessagePayload = z.infer<typeof messagePayload>;

/** A channel or thread. */
export const channelPayload = z.object({
  id: snowflake<"channel">(),
  type: z.number(),
  name: z.string().nullish(),
  topic: z.string().nullish(),
  /** Whether the channel is age-restricted; threads do not have it. */
  nsfw: z.boolean().nullish().catch(undefined),
  parent_id: snowflake<"channel">().nullish(),
  /** `file_permissions.ts` reads them. */
  permission_overwrites: z.unknown().optional(),
  /** `null` if the channel never had a message. A malformed id counts as absent. */
  last_message_id: snowflake<"message">().nullish().catch(undefined),
  thread_metadata: z.object({ archived: z.boolean().optional() }).nullish(),
});
/** A validated channel or thread. */
export type ChannelPayload = z.infer<typeof channelPayload>;

/** A role. */
export const rolePayload = z.object({
  id: snowflake<"role">(),
  name: z.string(),
  permissions: z.string().optional().catch(undefined),
  tags: z.object({ bot_id: z.string().optional() }).nullish(),
});
/** A validated role. */
export type RolePayload = z.infer<typeof rolePayload>;

const ofGuild = { guild_id: snowflake<"guild">() };

/** A guild of GUILD_CREATE or GUILD_UPDATE. */
export const guildPayload = z.object({
  id: snowflake<"guild">(),
  name: z.string(),
  /** The boost level. */
  premium_tier: z.number().optional().catch(undefined),
  owner_id: z.string().optional().catch(undefined),
  roles: z.array(rolePayload).optional(),
  /** Discord lists the bot itself, and others only with more intents. */
  members: z.unknown().optional(),
  channels: z.array(channelPayload).optional(),
  threads: z.array(channelPayload).optional(),
});
/** Validated {@link guildPayload}. */
export type GuildPayload = z.infer<typeof guildPayload>;
/** A guild of READY or GUILD_DELETE, perhaps with an outage. */
export const unavailablePayload = z.object({
  id: snowflake<"guild">(),
  unavailable: z.boolean().optional(),
});
/** A channel or thread of an event; a direct message channel has no guild. */
export const guildChannelPayload = channelPayload.extend({
  guild_id: snowflake<"guild">().optional(),
});
/** A THREAD_LIST_SYNC. */
export const threadListPayload = z.lazy(() =>
  z.object({
    ...ofGuild,
    channel_ids: z.array(z.string()).optional(),
    threads: z.array(channelPayload),
  })
);
/** A GUILD_ROLE_CREATE or GUILD_ROLE_UPDATE. */
export const guildRolePayload = z.object({ ...ofGuild, role: rolePayload });
/** A GUILD_ROLE_DELETE. */
export const roleDeletePayload = z.object({ ...ofGuild, role_id: snowflake<"role">() });

/** A GUILD_MEMBER_UPDATE. */
export const memberUpdatePayload = z.lazy(() =>
  z.object({ ...ofGuild, user: z.object({ id: z.string() }), roles: z.array(z.string()) })
);

/** The guilds of a READY, which GUILD_CREATE brings again; `isWhole` unless some do not fit. */
const readyGuilds = z.unknown().transform((given) => {
  const entries: readonly unknown[] = Array.isArray(given) ? given : [];
  const listed = entries.flatMap((entry) => unavailablePayload.safeParse(entry).data ?? []);
  return { listed, isWhole: Array.isArray(given) && listed.length === entries.length };
});

/** A READY. Only the session and the bot's id must fit: without them, the bot would be deaf. */
export const readyPayload = z.object({
  session_id: z.string(),
  /** Discord always sends it; other servers may not. */
  resume_gateway_url: z.string().nullish().catch(undefined).transform((url) => url ?? ""),
  user: z.object({ id: snowflake<"user">(), username: z.string().catch("") }),
  /** As above. A bot's application has the id of its user, except for the oldest bots. */
  application: z.object({ id: snowflake<"application">() }).nullish().catch(undefined),
  guilds: readyGuilds,
  /** Shard id and shard count: the READY lists only guilds of that shard. */
  shard: z.tuple([z.number().int().min(0), z.number().int().min(1)]).optional().catch(undefined),
});
/** Validated {@link readyPayload}. */
export type ReadyPayload = z.infer<typeof readyPayload>;

/** An object whose fields may have any value. */
type UnreadFields<Payload> = { readonly [Name in keyof Payload]?: unknown };

/** Whether a payload is a plain message. */
export function isPlainMessage(d: unknown): d is MessagePayload {
  if (!isObject<MessagePayload>(d)) return false;
  return isId(d.id) && isId(d.channel_id) && isNumber(d.type) && isText(d.content) &&
    (isNone(d.guild_id) || isId(d.guild_id)) && isPlainUser(d.author) && isPlainMember(d.member) &&
    isListOf(d.mentions, isMentioned) && isListOf(d.mention_roles, isId) &&
    (isNone(d.edited_timestamp) || isText(d.edited_timestamp)) &&
    (isNone(d.nonce) || isText(d.nonce) || isNumber(d.nonce)) &&
    (d.channel_type === undefined || isNumber(d.channel_type)) && carriesNothing(d);
}

function carriesNothing(d: UnreadFields<MessagePayload>): boolean {
  return isNone(d.webhook_id) && d.application_id === undefined &&
    d.interaction_metadata === undefined && d.poll === undefined &&
    isNone(d.message_reference) && isNone(d.referenced_message) && isEmpty(d.attachments) &&
    isEmpty(d.embeds) && isEmpty(d.sticker_items) && isEmpty(d.components) &&
    isEmpty(d.message_snapshots);
}

function isPlainUser(user: unknown): boolean {
  return isObject<MessagePayload["author"]>(user) && isId(user.id) && isText(user.username) &&
    (isNone(user.discriminator) || isText(user.discriminator)) &&
    (isNone(user.global_name) || isText(user.global_name)) && isFlag(user.bot) &&
    isFlag(user.system);
}

function isPlainMember(member: unknown): boolean {
  return isNone(member) ||
    (isObject<NonNullable<MessagePayload["member"]>>(member) && isListOf(member.roles, isId) &&
      (isNone(member.nick) || isText(member.nick)));
}

function isMentioned(user: unknown): boolean {
  return isObject<MessagePayload["mentions"][number]>(user) && isId(user.id);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return false;
  for (const item of value) if (!isItem(item)) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function isObject<Payload>(value: unknown): value is UnreadFields<Payload> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): boolean {
  return typeof value === "string" && parseSnowflake(value) !== undefined;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** Finite, as all numbers in JSON are. */
function isNumber(value: unknown): boolean {
  return Number.isFinite(value);
}

function isFlag(value: unknown): boolean {
  return isNone(value) || typeof value === "boolean";
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null;
}
