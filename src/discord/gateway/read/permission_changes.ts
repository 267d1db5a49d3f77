/**
 * Detects dispatches that may change the bot's permissions in a guild.
 *
 * It computes no permissions: it only names the guilds to check again. A guild too many costs a
 * request. A guild too few leaves a reply waiting without need.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { Dispatch } from "../decode/payloads.ts";

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
  unavailable: z.boolean().nullish(),
});
const withinPayload = z.object({ guild_id: snowflakeSchema<"guild">() });
const threadPayload = withinPayload.extend({ newly_created: z.boolean().nullish() });
const memberPayload = withinPayload.extend({ user: z.object({ id: z.string() }) });

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
    const guild = guildPayload.safeParse(d).data;
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
