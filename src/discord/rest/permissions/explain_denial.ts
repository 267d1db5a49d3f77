/**
 * Fetches what a denial is explained from.
 *
 * For rare use: three requests for a channel, one more for a thread. So it is
 * asked once where a channel is parked, never for each message.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { type Denial, denialIn, type LookedPlace, type NeededPermission } from "./denial.ts";
import { createLookAtGuild, type GuildLook, type LookAtGuild } from "./guild_look.ts";
import { RestError } from "../exchange/rest_error.ts";

/** A channel, and who asks. */
export interface AskedPlace {
  readonly channelId: ChannelId;
  /** Absent in direct messages, where nobody grants anything: only Discord's code tells. */
  readonly guildId?: GuildId;
  /** Ours. */
  readonly userId: UserId;
}

/**
 * Finds what keeps the bot from something.
 *
 * @returns `undefined` where nothing does, or where only Discord's code could tell.
 * @throws {RestError} If Discord does not tell.
 */
export type ExplainDenial = (
  place: AskedPlace,
  needed: readonly NeededPermission[],
) => Promise<Denial | undefined>;

const threadSchema = z.object({
  name: z.string().nullish(),
  parent_id: snowflakeSchema<"channel">().nullish(),
  thread_metadata: z.object({ locked: z.boolean().default(false) }).nullish(),
});

/** @param now Unix time in milliseconds, for timeouts. */
export function createExplainDenial(
  api: RestApi,
  now: () => number,
  options: RequestOptions = {},
): ExplainDenial {
  const lookAt = createLookAtGuild(api, options);
  const readThread = createReadThread(api, options);
  return async ({ channelId, guildId, userId }, needed) => {
    if (guildId === undefined) return undefined;
    const look = await lookAtOurs(lookAt, guildId, userId);
    if (!look.member) return denialIn(look, { kind: "gone" }, needed, now());
    const channel = look.channels.get(channelId);
    const place: LookedPlace = channel
      ? { kind: "channel", channel }
      : await readThread(channelId, look);
    return denialIn(look, place, needed, now());
  };
}

/** A guild that the bot is not in is no failure here, but the answer. */
async function lookAtOurs(
  lookAt: LookAtGuild,
  guildId: GuildId,
  userId: UserId,
): Promise<GuildLook> {
  try {
    return await lookAt(guildId, userId);
  } catch (error) {
    if (!isRefused(error)) throw error;
    const standing = { guildId, userId, ownerId: userId, roles: [], memberRoles: [] };
    return { standing, channels: new Map() };
  }
}

function createReadThread(api: RestApi, options: RequestOptions) {
  return async (channelId: ChannelId, look: GuildLook): Promise<LookedPlace> => {
    try {
      const answer = await api.request("GET", `/channels/${channelId}`, options);
      const thread = expect("GET /channels/:id", threadSchema, answer);
      const parent = thread.parent_id ? look.channels.get(thread.parent_id) : undefined;
      return {
        kind: "thread",
        ...(thread.name && { name: thread.name }),
        ...(parent && { parent }),
        isLocked: thread.thread_metadata?.locked ?? false,
      };
    } catch (error) {
      if (!isRefused(error)) throw error;
      return { kind: error.kind === "not_found" ? "gone" : "hidden_thread" };
    }
  };
}

/** Discord's own refusal, and not that of something in between. */
function isRefused(error: unknown): error is RestError {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found");
}
