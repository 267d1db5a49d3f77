/**
 * Reads a guild's settings from Discord, and explains why the bot may not do something there.
 *
 * It is for rare use: three requests for a channel, one more for a thread. So Barnacle asks once
 * when it parks a channel, never for each message.
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { Permission } from "../../../core/rights/permissions.ts";
import { readChannel } from "../calls/guild_reads.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { type Denial, findDenial, type PostingPlace } from "./denial.ts";
import {
  createReadGuildPermissions,
  type GuildPermissions,
  type ReadGuildPermissions,
} from "./guild_permissions.ts";
import { RestError } from "../exchange/rest_error.ts";

/** A channel, and a user: the bot's own, or a person. */
export interface PermissionQuery {
  /** A channel or a thread. */
  readonly channelId: ChannelId;
  /**
   * Absent in direct messages, which have no permissions; there, only Discord's error code tells.
   */
  readonly guildId?: GuildId;
  /** The user whose permissions count. */
  readonly userId: UserId;
}

/**
 * Finds the missing permission, and the rule that denies it.
 *
 * @returns `undefined` if no permission is missing, or only Discord's error code can tell.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type ExplainDenial = (
  place: PermissionQuery,
  needed: readonly Permission[],
) => Promise<Denial | undefined>;

/**
 * Creates an {@link ExplainDenial}.
 *
 * @param now Unix time in milliseconds, for timeouts of members.
 */
export function createExplainDenial(
  api: RestApi,
  now: () => number,
  options: RequestOptions = {},
): ExplainDenial {
  const readGuildPermissions = createReadGuildPermissions(api, options);
  const readThread = createReadThread(api, options);
  return async ({ channelId, guildId, userId }, needed) => {
    if (guildId === undefined) return undefined;
    const guild = await readOwnGuild(readGuildPermissions, guildId, userId);
    if (!guild.member) return findDenial(guild, { kind: "gone" }, needed, now());
    const channel = guild.channels.get(channelId);
    const place: PostingPlace = channel
      ? { kind: "channel", channel }
      : await readThread(channelId, guild);
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

function createReadThread(api: RestApi, options: RequestOptions) {
  return async (channelId: ChannelId, guild: GuildPermissions): Promise<PostingPlace> => {
    try {
      const { name, parentId, thread } = await readChannel(api, channelId, options);
      const parent = parentId && guild.channels.get(parentId);
      const isLocked = thread?.isLocked ?? false;
      return { kind: "thread", name, parent, isLocked };
    } catch (error) {
      if (!isRefused(error)) throw error;
      return { kind: error.kind === "not_found" ? "gone" : "hidden_thread" };
    }
  };
}

/** Whether the refusal comes from Discord, and not from a proxy. */
function isRefused(error: unknown): error is RestError {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found");
}
