/**
 * Reads what a guild says of its members.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId, RoleId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";

/** A member, as far as it says what they may do. */
export interface Member {
  /** Without `@everyone`. */
  readonly roles: readonly RoleId[];
  /** Unix time in milliseconds to which a timeout lasts; it may be over. */
  readonly timedOutUntil?: number;
}

/**
 * @returns `undefined` of somebody who has left the guild.
 * @throws {RestError} If Discord does not tell.
 */
export type ReadMember = (guildId: GuildId, userId: UserId) => Promise<Member | undefined>;

/**
 * @returns No roles of somebody who has left the guild.
 * @throws {RestError} If Discord does not tell.
 */
export type ReadRoles = (guildId: GuildId, userId: UserId) => Promise<readonly RoleId[]>;

const memberSchema = z.object({
  roles: z.array(snowflakeSchema<"role">()),
  communication_disabled_until: z.string().nullish(),
}).transform(({ roles, communication_disabled_until }): Member => {
  const timedOutUntil = Date.parse(communication_disabled_until ?? "");
  return { roles, ...(!Number.isNaN(timedOutUntil) && { timedOutUntil }) };
});

/** @see {@link https://docs.discord.com/developers/resources/guild#get-guild-member} */
export function createReadMember(
  api: RestApi,
  options: RequestOptions = {},
): ReadMember {
  return async (guildId, userId) => {
    try {
      const member = await api.request("GET", `/guilds/${guildId}/members/${userId}`, options);
      return expect("GET /guilds/:id/members/:id", memberSchema, member);
    } catch (error) {
      const isGone = error instanceof RestError && error.kind === "not_found";
      if (isGone && error.code !== undefined) return undefined; // Discord's words, and nobody's in between
      throw error;
    }
  };
}

/** The roles alone, for who asks about people who may have left. */
export function createReadRoles(
  api: RestApi,
  options: RequestOptions = {},
): ReadRoles {
  const readMember = createReadMember(api, options);
  return async (guildId, userId) => (await readMember(guildId, userId))?.roles ?? [];
}

/** Somebody whose name, or nickname there, begins as was asked. */
export interface FoundMember {
  readonly userId: UserId;
  /** Unique among accounts: `"ada"`. */
  readonly username: string;
  /** `"ada#1234"`; only accounts that still have a discriminator have one. */
  readonly tag?: string;
  /** Set of a bot, whose username many may have. */
  readonly isBot?: true;
}

export interface Members {
  /**
   * Finds members by the beginning of their username, nickname or display name.
   *
   * @param query The beginning; of more than 100 characters no name is.
   * @param limit How many at most, up to 1,000; there may be more.
   * @throws {RestError} If Discord does not tell: `forbidden` without the intent for members.
   */
  search(guildId: GuildId, query: string, limit?: number): Promise<readonly FoundMember[]>;
}

const MAX_QUERY = 100;
const MAX_LIMIT = 1_000;

const foundSchema = z.array(
  z.object({
    user: z.object({
      id: snowflakeSchema<"user">(),
      username: z.string(),
      discriminator: z.string().nullish(),
      bot: z.boolean().nullish(),
    }),
  }).transform(({ user: { id, username, discriminator, bot } }): FoundMember => {
    const hasTag = discriminator && !/^0*$/.test(discriminator);
    return {
      userId: id,
      username,
      ...(hasTag && { tag: `${username}#${discriminator}` }),
      ...(bot && { isBot: true }),
    };
  }),
);

/** @see {@link https://docs.discord.com/developers/resources/guild#search-guild-members} */
export function createMembers(api: RestApi, options: RequestOptions = {}): Members {
  return {
    async search(guildId, query, limit = MAX_LIMIT) {
      if (query === "" || query.length > MAX_QUERY) return [];
      const asked = new URLSearchParams({ query, limit: String(limit) });
      const answer = await api.request(
        "GET",
        `/guilds/${guildId}/members/search?${asked}`,
        options,
      );
      return expect("GET /guilds/:id/members/search", foundSchema, answer);
    },
  };
}
