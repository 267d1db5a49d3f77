/**
 * Checks whether a user may read a channel's history: the bot itself, or a person who asks for it.
 *
 * Trying does not tell. Without the permission to read the history, Discord answers with an empty
 * page. For a hidden channel it answers 403.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { createExplainDenial, type PermissionQuery } from "./explain_denial.ts";
import { createReadGuildPermissions } from "./guild_permissions.ts";
import { isPermission, type Permission } from "../../../core/rights/permissions.ts";
import { missingRight } from "../../../core/rights/rights.ts";

/** The permissions for reading a channel's history, most basic first. */
const NEEDED_TO_READ = [
  "View Channel",
  "Read Message History",
] as const satisfies readonly Permission[];

/**
 * Checks whether a user may read the history of a place. Only then does an empty page mean that the
 * channel has no messages.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type CanReadHistory = (place: PermissionQuery) => Promise<boolean>;

/** Creates a {@link CanReadHistory}. */
export function createCanReadHistory(api: RestApi, options: RequestOptions = {}): CanReadHistory {
  const explain = createExplainDenial(api, () => 0, options); // a member in timeout can still read
  return async (place) => await explain(place, NEEDED_TO_READ) === undefined;
}

/**
 * Finds the first permission that a user lacks in a place; `undefined` if none, and in direct
 * messages, which have no permissions.
 *
 * @param needed By Discord's names. One that Barnacle does not know counts as missing.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type MissingPermission = (
  place: PermissionQuery,
  needed: readonly string[],
) => Promise<string | undefined>;

/** Creates a {@link MissingPermission}. */
export function createMissingPermission(
  api: RestApi,
  now: () => number,
  options: RequestOptions = {},
): MissingPermission {
  const explain = createExplainDenial(api, now, options);
  return async (place, needed) => {
    if (place.guildId === undefined) return undefined;
    const unknown = needed.find((permission) => !isPermission(permission));
    if (unknown !== undefined) return unknown;
    return (await explain(place, needed.filter(isPermission)))?.permission;
  };
}

/**
 * Reads the permissions of all channels of a guild at once.
 *
 * @returns A function from a channel to its missing permissions: none, or the most basic one. For a
 * thread, the caller passes its parent.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type MissingReadPermissions = (
  guildId: GuildId,
  userId: UserId,
) => Promise<(channelId: ChannelId) => readonly Permission[]>;

/** Creates a {@link MissingReadPermissions}. */
export function createMissingReadPermissions(
  api: RestApi,
  options: RequestOptions = {},
): MissingReadPermissions {
  const readGuildPermissions = createReadGuildPermissions(api, options);
  return async (guildId, userId) => {
    const { guild, member, channels } = await readGuildPermissions(guildId, userId);
    return (channelId) => {
      const channel = channels.get(channelId);
      if (!channel) return ["View Channel"]; // Discord does not list hidden channels
      const { overwrites } = channel; // a member in timeout can still read
      const missing = missingRight(guild, member, { overwrites }, NEEDED_TO_READ, 0);
      if (missing?.kind === "not_member") return ["View Channel"];
      return missing && "permissions" in missing ? missing.permissions : [];
    };
  };
}
