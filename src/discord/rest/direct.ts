/**
 * Finds the channel in which the bot and one person talk alone.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, UserId } from "../../core/ids.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";
import { expect } from "./answer.ts";
import type { MessageApi } from "./messages.ts";

/**
 * Opens somebody's direct messages; asked for twice, it is the same channel. That it is open does
 * not say that they take messages: only sending one tells (50007).
 *
 * @throws {RestError} If Discord does not tell.
 */
export type OpenDirect = (userId: UserId) => Promise<ChannelId>;

const channelSchema = z.object({ id: snowflakeSchema<"channel">() });

/** @see {@link https://docs.discord.com/developers/resources/user#create-dm} */
export function createOpenDirect(api: MessageApi): OpenDirect {
  return async (userId) => {
    const answer = await api.request("POST", "/users/@me/channels", {
      body: { recipientId: userId },
    });
    return expect("POST /users/@me/channels", channelSchema, answer).id;
  };
}
