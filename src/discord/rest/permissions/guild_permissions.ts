/**
 * Reads a guild's roles, channels and overwrites, from which a member's permissions follow.
 *
 * Trying a forbidden request instead is risky, because too many refusals ban the whole address. So
 * three requests read the settings of all channels at once.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { Channel } from "../../../core/rights/channel.ts";
import type { GuildFacts, MemberFacts } from "../../../core/rights/rights.ts";
import { createGuildReads } from "../calls/guild_reads.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

/** The permission settings of a guild, and one of its members. */
export interface GuildPermissions {
  /** Roles and owner. */
  readonly guild: GuildFacts;
  /** Absent if the user is not a member. */
  readonly member?: MemberFacts;
  /** All channels, without threads. */
  readonly channels: ReadonlyMap<ChannelId, Channel>;
}

/**
 * Reads the permission settings of a guild, for one user.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type ReadGuildPermissions = (guildId: GuildId, userId: UserId) => Promise<GuildPermissions>;

/**
 * Creates a {@link ReadGuildPermissions}.
 *
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createReadGuildPermissions(
  api: RestApi,
  options: RequestOptions = {},
): ReadGuildPermissions {
  /** Calls at the same time share their requests: a model may call many tools in one answer. */
  const running = new Map<string, Promise<GuildPermissions>>();

  async function read(guildId: GuildId, userId: UserId): Promise<GuildPermissions> {
    const reads = createGuildReads(api, guildId, options);
    const guild = await reads.facts();
    const member = await reads.member(userId);
    return { guild, member, channels: await reads.channels() };
  }

  return (guildId, userId) => {
    const key = `${guildId} ${userId}`;
    const known = running.get(key);
    if (known) return known;
    const reading = read(guildId, userId).finally(() => running.delete(key));
    running.set(key, reading);
    return reading;
  };
}
