/**
 * Reads which roles somebody has.
 *
 * @module
 */

import { z } from "zod";
import type { GuildId, RoleId, UserId } from "../../core/ids.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";
import { expect } from "./answer.ts";
import type { RequestOptions, RestClient } from "./client.ts";
import { RestError } from "./rest_error.ts";

/**
 * @returns No roles of somebody who has left the guild.
 * @throws {RestError} If Discord does not tell.
 */
export type ReadRoles = (guildId: GuildId, userId: UserId) => Promise<readonly RoleId[]>;

const memberSchema = z.object({ roles: z.array(snowflakeSchema<"role">()) });

/** @see {@link https://docs.discord.com/developers/resources/guild#get-guild-member} */
export function createReadRoles(
  api: Pick<RestClient, "request">,
  options: RequestOptions = {},
): ReadRoles {
  return async (guildId, userId) => {
    try {
      const member = await api.request("GET", `/guilds/${guildId}/members/${userId}`, options);
      return expect("GET /guilds/:id/members/:id", memberSchema, member).roles;
    } catch (error) {
      const isGone = error instanceof RestError && error.kind === "not_found";
      if (isGone && error.code !== undefined) return []; // Discord's words, and nobody's in between
      throw error;
    }
  };
}
