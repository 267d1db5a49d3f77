/**
 * Reads a guild's settings from Discord, and explains why a user may not do something there, or may
 * not read a channel's history.
 *
 * It is for rare use: three requests for a channel, one more for a thread. So Barnacle asks once
 * when it parks a channel, never for each message. Trying does not tell: without the permission to
 * read the history, Discord answers with an empty page.
 */

import type { Clock } from "../../../lib/clock.ts";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { isPermission, type Permission } from "../../../core/rights/permissions.ts";
import {
  createGuildReads,
  createReadGuildPermissions,
  type GuildPermissions,
  isPrivateThread,
  readChannel,
  type ReadGuildPermissions,
} from "../requests/guild_reads.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";
import { missingRight } from "../../../core/rights/rights.ts";
import { type Denial, findDenial, type PostingPlace } from "./denial.ts";

/** A channel, and a user: the bot's own, or a person. */
export interface PermissionQuery {
  readonly channelId: ChannelId;
  /**
   * Absent in direct messages, which have no permissions; there, only Discord's error code tells.
   */
  readonly guildId?: GuildId;
  readonly userId: UserId;
}

/**
 * Creates the search for the missing permission, and the rule that denies it. It finds `undefined` if
 * no permission is missing, or only Discord's error code can tell, and rejects with a `RestError`.
 *
 * @param now Unix time in milliseconds, for timeouts of members.
 */
export function createExplainDenial(api: RestApi, now: Clock["now"]) {
  const readGuildPermissions = createReadGuildPermissions(api);
  const readThread = createReadThread(api);
  return async (
    { channelId, guildId, userId }: PermissionQuery,
    needed: readonly Permission[],
  ): Promise<Denial | undefined> => {
    if (guildId === undefined) return undefined;
    const guild = await readOwnGuild(readGuildPermissions, guildId, userId);
    if (!guild.member) return findDenial(guild, { kind: "gone" }, needed, now());
    const channel = guild.channels.get(channelId);
    const place: PostingPlace = channel
      ? { kind: "channel", channel }
      : await readThread(channelId, guild, userId);
    return findDenial(guild, place, needed, now());
  };
}

/** Reads the guild. If the bot is not in it, that is a result here, not a failure. */
async function readOwnGuild(
  readGuildPermissions: ReadGuildPermissions,
  guildId: GuildId,
  userId: UserId,
): Promise<GuildPermissions> {
  try {
    return await readGuildPermissions(guildId, userId);
  } catch (error) {
    if (!isRefused(error)) throw error;
    return { guild: { guildId, ownerId: userId, roles: [] }, channels: new Map() };
  }
}

function createReadThread(api: RestApi) {
  return async (
    channelId: ChannelId,
    guild: GuildPermissions,
    userId: UserId,
  ): Promise<PostingPlace> => {
    try {
      const found = await readChannel(api, channelId);
      const { name, parentId, thread } = found;
      const parent = parentId && guild.channels.get(parentId);
      const isLocked = thread?.isLocked ?? false;
      const { isInThread } = createGuildReads(api, guild.guild.guildId);
      const isOutside = isPrivateThread(found) && !await isInThread(channelId, userId);
      return { kind: "thread", name, parent, isLocked, isOutside };
    } catch (error) {
      if (!isRefused(error)) throw error;
      return { kind: error.kind === "not_found" ? "gone" : "hidden" };
    }
  };
}

/** Whether the refusal comes from Discord, and not from a proxy. */
function isRefused(error: unknown): error is RestError {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found");
}

/** The permissions for reading a channel's history, most basic first. */
const NEEDED_TO_READ = [
  "View Channel",
  "Read Message History",
] as const satisfies readonly Permission[];

/**
 * Creates the check whether a user may read the history of a place. Only then does an empty page mean
 * that the channel has no messages. It rejects with a `RestError`.
 */
export function createCanReadHistory(api: RestApi) {
  const explain = createExplainDenial(api, () => 0); // a member in timeout can still read
  return async (place: PermissionQuery) => await explain(place, NEEDED_TO_READ) === undefined;
}

/**
 * Finds the first permission that a user lacks in a place; `undefined` if none, and in direct
 * messages, which have no permissions.
 *
 * @param needed By Discord's names. One that Barnacle does not know counts as missing.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type FindMissingPermission = (
  place: PermissionQuery,
  needed: readonly string[],
) => Promise<string | undefined>;

export function createMissingPermission(
  api: RestApi,
  now: Clock["now"],
): FindMissingPermission {
  const explain = createExplainDenial(api, now);
  return async (place, needed) => {
    if (place.guildId === undefined) return undefined;
    const unknown = needed.find((permission) => !isPermission(permission));
    if (unknown !== undefined) return unknown;
    return (await explain(place, needed.filter(isPermission)))?.permission;
  };
}

/**
 * Creates the reading of the permissions of all channels of a guild at once. It finds a function from a
 * channel to its missing permissions: none, or the most basic one. For a thread, the caller passes
 * its parent. It rejects with a `RestError`.
 */
export function createMissingReadPermissions(api: RestApi, options: RequestOptions = {}) {
  const readGuildPermissions = createReadGuildPermissions(api, options);
  return async (guildId: GuildId, userId: UserId) => {
    const { guild, member, channels } = await readGuildPermissions(guildId, userId);
    return (channelId: ChannelId): readonly Permission[] => {
      const channel = channels.get(channelId);
      if (!channel) return ["View Channel"]; // Discord does not list hidden channels
      const { overwrites } = channel; // a member in timeout can still read
      const missing = missingRight(guild, member, { overwrites }, NEEDED_TO_READ, 0);
      if (missing?.kind === "not_member") return ["View Channel"];
      return missing && "permissions" in missing ? missing.permissions : [];
    };
  };
}
