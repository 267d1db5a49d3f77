/**
 * Schemas of Discord's payloads (G16).
 *
 * They contain only the fields that Barnacle uses, and drop all others. Required are the fields
 * without which a message has no sender, place or time. A message without one of them is a problem.
 * All others may have any shape: Discord invents new kinds faster than operators update bots.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#message-object}
 */

import { HIDDEN, isPersonal } from "../../../core/outbound/outbound.ts";
import { z } from "zod";
import {
  bits,
  closingFlag,
  listOf,
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
  textOr,
} from "../../../core/discord/lenient.ts";
import { readSnowflake } from "../../../core/discord/ids.ts";

/** A parsed dispatch; its data is not validated yet. */
export interface Dispatch {
  readonly t: string;
  /** Sequence number within the session. */
  readonly s: number;
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

/** A user, as far as a sender needs it. Without a name, the id stands for it: no rule names it so. */
export const userPayload = z.lazy(() =>
  z.object({
    id: snowflake<"user">(),
    username: optional(z.string()),
    discriminator: optional(z.string()),
    /** The display name; any person can take any. */
    global_name: optional(z.string()),
    bot: closingFlag,
    system: closingFlag,
  }).transform(({ username, ...user }) => ({ ...user, username: username ?? user.id }))
);

/** A person whom a message mentions, with the names that Discord tells. Some servers tell the id alone. */
export const mentionedPayload = z.lazy(() =>
  z.preprocess(
    (user) => typeof user === "object" ? user : { id: user },
    z.object({
      id: snowflake<"user">(),
      username: optional(z.string()),
      global_name: optional(z.string()),
      member: optional(z.object({ nick: optional(z.string()) })),
    }),
  )
);

const attachmentPayload = z.lazy(() =>
  z.object({
    filename: textOr("file"),
    /** The name that people see, without its ending; absent: `filename`. */
    title: optional(z.string()),
    content_type: optional(z.string()),
    size: z.number(),
    description: optional(z.string()),
    flags: optional(z.number()),
    /** Discord always sends both; a file without them can be described, but not read. */
    id: optional(snowflake<"attachment">()),
    url: optional(z.string()),
    width: optional(z.number()),
    height: optional(z.number()),
    duration_secs: optional(z.number()),
    waveform: optional(z.string()),
  })
);
const namedPayload = z.lazy(() => z.object({ name: z.string() }));
const stickerPayload = z.lazy(() =>
  z.object({
    name: z.string(),
    id: optional(snowflake<"attachment">()),
    format_type: optional(z.number()),
  })
);
/** A picture or video of an embed or of a component. Discord's proxy has the files of other hosts. */
export const mediaPayload = z.lazy(() =>
  z.object({
    url: optional(z.string()),
    proxy_url: optional(z.string()),
    /** The alt text, which components have beside it. */
    description: optional(z.string()),
  })
);
const embedMedia = z.lazy(() => optional(mediaPayload));
const embedPayload = z.lazy(() =>
  z.object({
    type: optional(z.string()),
    title: optional(z.string()),
    description: optional(z.string()),
    url: optional(z.string()),
    author: optional(namedPayload),
    provider: optional(z.object({ name: optional(z.string()) })),
    fields: listOf(z.object({ name: textOr(""), value: textOr("") })),
    image: embedMedia,
    thumbnail: embedMedia,
    video: embedMedia,
    footer: optional(z.object({ text: z.string() })),
  })
);
const pollMedia = z.lazy(() =>
  z.object({
    text: optional(z.string()),
    emoji: optional(z.object({ name: optional(z.string()) })),
  })
);
const pollPayload = z.lazy(() =>
  z.object({
    question: pollMedia,
    answers: listOrEmpty(z.object({ answer_id: optional(z.number()), poll_media: pollMedia })),
    allow_multiselect: optional(z.boolean()),
    /** Absent if Discord does not tell the votes with this message. */
    results: optional(z.object({
      is_finalized: z.boolean(),
      /** Answers without votes may be absent. */
      answer_counts: z.array(z.object({ id: z.number(), count: z.number() })),
    })),
  })
);

/**
 * The content of a message, without author and place. A forwarded message has only these fields.
 */
export const contentFields = () => ({
  content: textOr(""),
  mentions: listOrEmpty(mentionedPayload),
  attachments: listOf(attachmentPayload),
  embeds: listOf(embedPayload),
  sticker_items: listOf(stickerPayload),
  poll: optional(pollPayload),
  /** May be nested; `describe.ts` reads them. */
  components: listOf(z.unknown()),
});

export const contentPayload = z.lazy(() => z.object(contentFields()));
/** Takes the words of a person's own account out: they are for no other conversation (T13a). */
function readable<Content extends z.infer<typeof contentPayload>>(message: Content): Content {
  const { content, components } = message;
  const all = components?.length ? content + JSON.stringify(components) : content;
  return isPersonal(all)
    ? { ...message, content: HIDDEN, attachments: [], embeds: [], components: [] }
    : message;
}

/** A forwarded message. Discord tells no author. */
export const snapshotPayload = z.lazy(() => z.object(contentFields()).transform(readable));
export type SnapshotPayload = z.infer<typeof snapshotPayload>;
export type ContentPayload = z.infer<typeof contentPayload>;

/** The message that a reply quotes, or that a forward copies. */
const referenceFields = () => ({
  message_reference: optional(z.object({
    message_id: optional(snowflake<"message">()),
    channel_id: optional(snowflake<"channel">()),
    guild_id: optional(snowflake<"guild">()),
  })),
  message_snapshots: listOf(z.object({ message: snapshotPayload })),
});

/** A message that another one, or a command, is about. */
export const referencedPayload = z.lazy(() =>
  z.object({ ...contentFields(), ...referenceFields(), author: userPayload })
    .transform((message) => message.author.bot ? readable(message) : message)
);
export type ReferencedPayload = z.infer<typeof referencedPayload>;

/** Roles of a member. One that cannot be read may be the one that closes something. */
export const roleIds = z.array(snowflake<"role">()).optional();

/** Whether a webhook posted the message: anything but nothing. */
const webhookId = z.unknown().transform((id) =>
  id === undefined || id === null || id === "" ? undefined : readSnowflake(id) ?? "unreadable"
).optional();

export const messagePayload = z.lazy(() =>
  z.object({
    ...contentFields(),
    id: snowflake<"message">(),
    type: z.number(),
    channel_id: snowflake<"channel">(),
    channel_type: optional(z.number()),
    guild_id: snowflake<"guild">().nullish(),
    author: userPayload,
    member: z.object({ roles: roleIds, nick: optional(z.string()) }).nullish(),
    webhook_id: webhookId,
    /** Set if an application made the webhook. A malformed id counts as absent. */
    application_id: optional(snowflake<"application">()),
    /** Set on answers to slash commands and buttons; its content is not used. */
    interaction_metadata: z.unknown().optional(),
    nonce: optional(z.union([z.string(), z.number()])),
    edited_timestamp: z.string().nullish(),
    mention_channels: listOf(z.object({ id: snowflake<"channel">(), name: z.string() })),
    mention_roles: listOrEmpty(snowflake<"role">()),
    ...referenceFields(),
    referenced_message: optional(referencedPayload),
  })
);
export type MessagePayload = z.infer<typeof messagePayload>;

const channelFields = () => ({
  id: snowflake<"channel">(),
  type: z.number(),
  name: optional(z.string()),
  flags: optional(z.number()),
  topic: optional(z.string()),
  /** Whether the channel is age-restricted; threads do not have it. */
  nsfw: closingFlag,
  parent_id: optional(snowflake<"channel">()),
  /** `guild_index.ts` reads them. */
  permission_overwrites: z.unknown().optional(),
  /** `null` if the channel never had a message. A malformed id counts as absent. */
  last_message_id: snowflake<"message">().nullish().catch(undefined),
  thread_metadata: optional(z.object({ archived: optional(z.boolean()) })),
});
export const channelPayload = z.lazy(() => z.object(channelFields()));
export type ChannelPayload = z.infer<typeof channelPayload>;

export const rolePayload = z.lazy(() =>
  z.object({
    id: snowflake<"role">(),
    name: optional(z.string()),
    permissions: optional(bits),
    tags: optional(z.object({ bot_id: optional(snowflake<"user">()) })),
  })
);
export type RolePayload = z.infer<typeof rolePayload>;

const ofGuild = { guild_id: snowflake<"guild">() };

export const guildPayload = z.lazy(() =>
  z.object({
    id: snowflake<"guild">(),
    name: optional(z.string()),
    premium_tier: optional(z.number()),
    owner_id: optional(snowflake<"user">()),
    roles: listOf(rolePayload),
    /** Discord lists the bot itself, and others only with more intents. */
    members: z.unknown().optional(),
    channels: listOf(channelPayload),
    threads: listOf(channelPayload),
  })
);
export type GuildPayload = z.infer<typeof guildPayload>;
/** A guild of READY or GUILD_DELETE, perhaps with an outage. */
export const unavailablePayload = z.object({
  id: snowflake<"guild">(),
  unavailable: optional(z.boolean()),
});
/** A channel or thread of an event; a direct message channel has no guild. */
export const guildChannelPayload = z.lazy(() =>
  z.object({ ...channelFields(), guild_id: optional(snowflake<"guild">()) })
);
export const deletedChannelPayload = z.lazy(() =>
  z.object({ id: snowflake<"channel">(), guild_id: optional(snowflake<"guild">()) })
);
export const threadListPayload = z.lazy(() =>
  z.object({ ...ofGuild, threads: listOrEmpty(channelPayload) })
);
export const guildRolePayload = z.lazy(() => z.object({ ...ofGuild, role: rolePayload }));
export const roleDeletePayload = z.lazy(() =>
  z.object({ ...ofGuild, role_id: snowflake<"role">() })
);

/** A member, of whom only the roles count. */
export const memberPayload = z.lazy(() =>
  z.object({ user: z.object({ id: snowflake<"user">() }), roles: roleIds })
);
export const memberUpdatePayload = z.lazy(() => memberPayload.unwrap().extend(ofGuild));

const readyList = listOf(unavailablePayload);

/** The guilds of a READY, which GUILD_CREATE brings again; `isWhole` unless some do not fit. */
const readyGuilds = z.unknown().optional().transform((given) => {
  const listed = readyList.parse(given) ?? [];
  return { listed, isWhole: Array.isArray(given) && listed.length === given.length };
});

/** A READY. Only the session and the bot's id must fit: without them, the bot would be deaf. */
export const readyPayload = z.object({
  session_id: z.string(),
  resume_gateway_url: textOr(""),
  user: z.object({ id: snowflake<"user">(), username: textOr("") }),
  /** As above. A bot's application has the id of its user, except for the oldest bots. */
  application: optional(z.object({ id: snowflake<"application">() })),
  guilds: readyGuilds,
});
export type ReadyPayload = z.infer<typeof readyPayload>;
