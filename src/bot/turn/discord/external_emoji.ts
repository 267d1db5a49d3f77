/**
 * Tells whether an emoji is of another server: to use it needs a permission of its own (T4).
 *
 * @module
 */

import { z } from "zod";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { expect } from "../../../discord/rest/exchange/answer.ts";

const emojisSchema = z.array(z.object({ id: z.string().nullish() }));

/**
 * Whether a reaction's emoji is of another server than this one.
 *
 * @param emoji Unicode, or `<:name:id>`.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function isExternal(
  client: RestApi,
  guildId: GuildId,
  emoji: string,
): Promise<boolean> {
  const id = /^<a?:\w+:(\d+)>$/.exec(emoji)?.[1];
  if (id === undefined) return false;
  const answer = await client.request("GET", `/guilds/${guildId}/emojis`);
  const own = expect("GET /guilds/:id/emojis", emojisSchema, answer);
  return own.every((one) => one.id !== id);
}
