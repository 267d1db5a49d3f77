/**
 * Tells where a permission may have changed.
 *
 * Nothing is computed from it here: it only says which guilds are worth a look
 * again, so too many cost a request and too few a reply that waits for nothing.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { Dispatch } from "../decode/payloads.ts";

/**
 * The type that only this module reads. Discord sends it about the bot itself without the intent
 * for members; with that intent, about everybody.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#list-of-intents}
 */
export const MEMBER_UPDATE = "GUILD_MEMBER_UPDATE";

const OF_GUILD: ReadonlySet<string> = new Set(["GUILD_CREATE", "GUILD_UPDATE"]);

const WITHIN_GUILD: ReadonlySet<string> = new Set([
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_UPDATE", // no longer locked or archived
  "THREAD_LIST_SYNC", // a channel can be seen again
]);

const guildPayload = z.object({
  id: snowflakeSchema<"guild">(),
  unavailable: z.boolean().nullish(),
});
const withinPayload = z.object({ guild_id: snowflakeSchema<"guild">() });
const threadPayload = withinPayload.extend({ newly_created: z.boolean().nullish() });
const memberPayload = withinPayload.extend({ user: z.object({ id: z.string() }) });

/**
 * The guild in which a dispatch may have changed what the bot may do.
 *
 * @param self Ours; `undefined` before the first READY.
 * @returns `undefined` where it has not, or where the payload does not fit.
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
    const thread = threadPayload.safeParse(d).data; // not a new one: the bot was let into it
    return thread?.newly_created ? undefined : thread?.guild_id;
  }
  if (t !== MEMBER_UPDATE) return undefined;
  const member = memberPayload.safeParse(d).data;
  return member && member.user.id === self ? member.guild_id : undefined;
}
