/** Reads users, and reads and searches the members of a guild. */

import { z } from "zod";
import type { FoundMember } from "../../../core/inbound/inbound.ts";
import type { GuildId, RoleId, UserId } from "../../../core/discord/ids.ts";
import { closingFlag, optional, snowflakeSchema } from "../../../core/discord/lenient.ts";
import { expect, RestError } from "../exchange/rest_error.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

const userSchema = z.lazy(() =>
  z.object({
    id: snowflakeSchema<"user">(),
    username: optional(z.string()),
    discriminator: optional(z.string()),
    bot: closingFlag,
  }).transform(({ id, discriminator, bot, ...user }): FoundMember => {
    const username = user.username ?? id;
    const hasTag = discriminator && !/^0*$/.test(discriminator);
    return {
      userId: id,
      username,
      tag: hasTag ? `${username}#${discriminator}` : undefined,
      isBot: bot ? true : undefined,
    };
  })
);

/**
 * Reads a user's account; `undefined` if Discord has no such user.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/user#get-user}
 */
export async function readUser(
  api: RestApi,
  userId: UserId,
): Promise<{ readonly username: string; readonly tag?: string } | undefined> {
  try {
    const user = await api.request("GET", `/users/${userId}`);
    const { username, tag } = expect("GET /users/:id", userSchema, user);
    return { username, tag };
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

/** Whether Discord has no such object. Only Discord's own errors have a code. */
function isUnknown(error: unknown): boolean {
  return error instanceof RestError && error.kind === "not_found" && error.code !== undefined;
}

export interface Member {
  /** Without `@everyone`. */
  readonly roles: readonly RoleId[];
  /**
   * End of a timeout, Unix time in milliseconds; it may be in the past. A member whom Discord keeps
   * from writing otherwise has one without an end: pending, or in quarantine.
   */
  readonly timedOutUntil?: number;
}

/** Ranks decide, so no role may be missing. Some servers send whole roles. */
const roleIds = z.lazy(() =>
  z.array(
    snowflakeSchema<"role">().or(
      z.object({ id: snowflakeSchema<"role">() }).transform(({ id }) => id),
    ),
  )
);

/** Flags of a member: AutoMod has quarantined their name, or their guild tag. */
const QUARANTINED = 1 << 7 | 1 << 10;

/** The last moment of a `Date`. */
const MAX_DATE_MS = 8.64e15;

const memberSchema = z.lazy(() =>
  z.object({
    roles: roleIds,
    communication_disabled_until: z.string().nullish(),
    flags: optional(z.number()),
    pending: closingFlag,
  }).transform(({ roles, communication_disabled_until, flags = 0, pending }): Member => {
    if (pending || flags & QUARANTINED) return { roles, timedOutUntil: MAX_DATE_MS };
    const timedOutUntil = Date.parse(communication_disabled_until ?? "");
    return { roles, timedOutUntil: !Number.isNaN(timedOutUntil) ? timedOutUntil : undefined };
  })
);

/**
 * Reads a member; `undefined` if the user is not in the guild.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-member}
 */
export async function readMember(
  api: RestApi,
  guildId: GuildId,
  userId: UserId,
  options: RequestOptions = {},
): Promise<Member | undefined> {
  try {
    const member = await api.request("GET", `/guilds/${guildId}/members/${userId}`, options);
    return expect("GET /guilds/:id/members/:id", memberSchema, member);
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

const MAX_QUERY = 100;
const MAX_LIMIT = 1_000;

/** A name counts only if all members with it are known, so none is left out. */
const foundSchema = z.lazy(() =>
  z.array(z.object({ user: userSchema }).transform(({ user }): FoundMember => user))
);

/**
 * Finds members by the beginning of their username, nickname or display name.
 *
 * @param query The beginning; no name has more than 100 characters.
 * @param limit Maximum number of results, up to 1,000; more members may match.
 * @throws {RestError} If Discord does not answer, or refuses: `forbidden` without the intent for
 * members.
 * @see {@link https://docs.discord.com/developers/resources/guild#search-guild-members}
 */
export async function searchMembers(
  api: RestApi,
  guildId: GuildId,
  query: string,
  options: RequestOptions = {},
  limit: number = MAX_LIMIT,
): Promise<readonly FoundMember[]> {
  if (query === "" || query.length > MAX_QUERY) return [];
  const parameters = new URLSearchParams({ query, limit: String(limit) });
  const path = `/guilds/${guildId}/members/search?${parameters}`;
  const answer = await api.request("GET", path, options);
  return expect("GET /guilds/:id/members/search", foundSchema, answer);
}
