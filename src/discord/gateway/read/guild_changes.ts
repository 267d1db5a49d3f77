/**
 * Detects in dispatches about guilds what the bot should know: guilds that it has joined, and
 * changes that may concern its permissions.
 */

import { z } from "zod";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { optional } from "../../../core/discord/lenient.ts";
import type { Dispatch } from "../decode/payloads.ts";
import type { Named } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/text/cut.ts";
import type { GuildIndex } from "../decode/guild_index.ts";

/**
 * The type of changes of members. Without the intent for members, Discord sends it only about
 * the bot itself; with that intent, about all members.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#list-of-intents}
 */
const MEMBER_UPDATE = "GUILD_MEMBER_UPDATE";

const OF_GUILD: ReadonlySet<string> = new Set(["GUILD_CREATE", "GUILD_UPDATE"]);

const WITHIN_GUILD: ReadonlySet<string> = new Set([
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_UPDATE", // may unlock or unarchive a thread
  "THREAD_LIST_SYNC", // makes a channel visible again
]);

const guildPayload = z.object({
  id: snowflakeSchema<"guild">(),
  unavailable: optional(z.boolean()),
});
const withinPayload = z.object({ guild_id: snowflakeSchema<"guild">() });
const threadPayload = withinPayload.extend({ newly_created: optional(z.boolean()) });
const memberPayload = withinPayload.extend({ user: z.object({ id: snowflakeSchema<"user">() }) });

/**
 * Returns the guild in which a dispatch may change the bot's permissions.
 *
 * @param self The bot's user id; `undefined` before the first READY.
 * @returns `undefined` if there is none, or if the payload has an unexpected shape.
 */
export function guildWithChangedPermissions(
  { t, d }: Dispatch,
  self: UserId | undefined,
): GuildId | undefined {
  if (WITHIN_GUILD.has(t)) return withinPayload.safeParse(d).data?.guild_id;
  if (OF_GUILD.has(t)) {
    const guild = guildPayload.safeParse(d, { jitless: true }).data;
    return guild?.unavailable ? undefined : guild?.id;
  }
  if (t === "THREAD_CREATE") {
    const thread = threadPayload.safeParse(d).data; // for an old thread: the bot was added to it
    return thread?.newly_created ? undefined : thread?.guild_id;
  }
  if (t !== MEMBER_UPDATE) return undefined;
  const member = memberPayload.safeParse(d).data;
  return member && member.user.id === self ? member.guild_id : undefined;
}

const gonePayload = z.object({
  id: z.union([snowflakeSchema<"channel">(), snowflakeSchema<"guild">()]),
  unavailable: optional(z.boolean()),
});
const GONE: ReadonlySet<string> = new Set(["CHANNEL_DELETE", "THREAD_DELETE", "GUILD_DELETE"]);

/** The channel, thread or guild that a dispatch takes from the bot; `undefined` if it takes none. */
export function placeGone({ t, d }: Dispatch): ChannelId | GuildId | undefined {
  const gone = GONE.has(t) ? gonePayload.safeParse(d, { jitless: true }).data : undefined;
  return gone?.unavailable ? undefined : gone?.id;
}

const joinedPayload = z.object({
  id: snowflakeSchema<"guild">(),
  name: optional(z.string()),
  unavailable: optional(z.boolean()),
});

const MAX_NAME = 100;

/**
 * Returns the guild that the bot joined by this dispatch.
 *
 * @param index The index before the dispatch.
 * @param unread Guilds of the bot that the index lacks, because their snapshots could not be read.
 */
export function joinedGuild(
  { t, d }: Dispatch,
  index: GuildIndex,
  unread: readonly GuildId[],
): Named<GuildId> | undefined {
  if (t !== "GUILD_CREATE") return undefined;
  const guild = joinedPayload.safeParse(d, { jitless: true }).data; // compiling takes longer
  if (!guild || guild.unavailable || index.has(guild.id) || unread.includes(guild.id)) {
    return undefined; // `applyDispatch` reports a payload with an unexpected shape
  }
  return { id: guild.id, name: bounded(guild.name ?? guild.id, MAX_NAME) };
}
