/**
 * Asks who we are, where no gateway has said so.
 *
 * @module
 */

import { z } from "zod";
import type { UserId } from "../../core/ids.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";
import { expect } from "./answer.ts";
import type { MessageApi } from "./messages.ts";

const userSchema = z.object({ id: snowflakeSchema<"user">() });

/**
 * The bot's own user.
 *
 * @throws {RestError} If Discord does not tell.
 * @see {@link https://docs.discord.com/developers/resources/user#get-current-user}
 */
export async function readSelf(api: MessageApi): Promise<UserId> {
  return expect("GET /users/@me", userSchema, await api.request("GET", "/users/@me")).id;
}
