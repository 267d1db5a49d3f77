/**
 * Discord's payloads, as far as Barnacle reads them.
 *
 * Only fields that somebody uses are here; all else is dropped with the
 * payload. What a message is judged by must fit, or the message is a problem.
 * What only adorns it may be odd without harm: Discord invents new kinds of
 * embeds and polls faster than bots are updated.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#message-object}
 * @module
 */

import { z } from "zod";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";

/** A dispatch, parsed and not yet understood. */
export interface Dispatch {
  readonly t: string;
  readonly s: number;
  readonly d: unknown;
}

/** For what only adorns a message: none rather than a problem. */
function leniently<Item extends z.ZodType>(item: Item) {
  return z.array(item).optional().catch(undefined);
}

export const userPayload = z.object({
  id: snowflake<"user">(),
  username: z.string(),
  discriminator: z.string().nullish(),
  bot: z.boolean().nullish(),
  system: z.boolean().nullish(),
});

const attachmentPayload = z.object({
  filename: z.string(),
  content_type: z.string().nullish(),
  size: z.number(),
  description: z.string().nullish(),
});
const namedPayload = z.object({ name: z.string() });
const embedPayload = z.object({
  title: z.string().nullish(),
  description: z.string().nullish(),
  url: z.string().nullish(),
  author: namedPayload.nullish(),
  fields: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
});
const pollMedia = z.object({ text: z.string().nullish() });
const pollPayload = z.object({
  question: pollMedia,
  answers: z.array(z.object({ poll_media: pollMedia })),
});

/** What a message says, its author and place apart; all that a forwarded one has. */
const contentFields = {
  content: z.string().default(""),
  attachments: leniently(attachmentPayload),
  embeds: leniently(embedPayload),
  sticker_items: leniently(namedPayload),
  poll: pollPayload.optional().catch(undefined),
  /** They may hold others: `describe_components.ts` reads them. */
  components: leniently(z.unknown()),
};

export const contentPayload = z.object(contentFields);
export type ContentPayload = z.infer<typeof contentPayload>;

const referencedPayload = z.object({ ...contentFields, author: userPayload });

export const messagePayload = z.object({
  ...contentFields,
  id: snowflake<"message">(),
  type: z.number(),
  channel_id: snowflake<"channel">(),
  channel_type: z.number().optional(),
  guild_id: snowflake<"guild">().nullish(),
  author: userPayload,
  member: z.object({ roles: z.array(snowflake<"role">()) }).nullish(),
  webhook_id: z.string().nullish(),
  /** Of a webhook that an application made; what is no id is as good as not told. */
  application_id: snowflake<"application">().optional().catch(undefined),
  /** Of an answer to a slash command or a button: only that there is one. */
  interaction_metadata: z.unknown().optional(),
  nonce: z.union([z.string(), z.number()]).nullish(),
  edited_timestamp: z.string().nullish(),
  mentions: z.array(z.object({ id: snowflake<"user">() })).default([]),
  mention_roles: z.array(snowflake<"role">()).default([]),
  message_reference: z.object({
    message_id: snowflake<"message">().optional(),
  }).nullish(),
  referenced_message: referencedPayload.nullish().catch(undefined),
  message_snapshots: leniently(z.object({ message: contentPayload })),
});
export type MessagePayload = z.infer<typeof messagePayload>;

const channelPayload = z.object({
  id: snowflake<"channel">(),
  type: z.number(),
  name: z.string().nullish(),
  topic: z.string().nullish(),
  parent_id: snowflake<"channel">().nullish(),
  /** `null` where nothing was ever said; what is no id is as good as not told. */
  last_message_id: snowflake<"message">().nullish().catch(undefined),
  thread_metadata: z.object({ archived: z.boolean().optional() }).nullish(),
});
export type ChannelPayload = z.infer<typeof channelPayload>;

const rolePayload = z.object({
  id: snowflake<"role">(),
  name: z.string(),
  tags: z.object({ bot_id: z.string().optional() }).nullish(),
});
export type RolePayload = z.infer<typeof rolePayload>;

const ofGuild = { guild_id: snowflake<"guild">() };

export const guildPayload = z.object({
  id: snowflake<"guild">(),
  name: z.string(),
  /** Its level of boosts. */
  premium_tier: z.number().optional().catch(undefined),
  roles: z.array(rolePayload).optional(),
  channels: z.array(channelPayload).optional(),
  threads: z.array(channelPayload).optional(),
});
export type GuildPayload = z.infer<typeof guildPayload>;
export const unavailablePayload = z.object({
  id: snowflake<"guild">(),
  unavailable: z.boolean().optional(),
});
/** Absent of a DM's channel. */
export const guildChannelPayload = channelPayload.extend({
  guild_id: snowflake<"guild">().optional(),
});
export const threadListPayload = z.object({
  ...ofGuild,
  channel_ids: z.array(z.string()).optional(),
  threads: z.array(channelPayload),
});
export const guildRolePayload = z.object({ ...ofGuild, role: rolePayload });
export const roleDeletePayload = z.object({ ...ofGuild, role_id: snowflake<"role">() });

export const deletedPayload = z.object({ id: snowflake<"message">() });
export const bulkDeletedPayload = z.object({ ids: z.array(snowflake<"message">()) });

export const readyPayload = z.object({
  session_id: z.string(),
  /** Discord always sends it; a server in its place may not. */
  resume_gateway_url: z.string().nullish().transform((url) => url ?? ""),
  user: userPayload,
  /** The same; a bot's application has its user's id, but for the oldest. */
  application: z.object({ id: snowflake<"application">() }).nullish(),
  guilds: z.array(unavailablePayload),
  /** Which shard of how many: it speaks of that shard's guilds only. */
  shard: z.tuple([z.number().int().min(0), z.number().int().min(1)]).optional().catch(undefined),
});
export type ReadyPayload = z.infer<typeof readyPayload>;
