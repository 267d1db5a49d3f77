/**
 * Searches a server's messages at Discord.
 *
 * While Discord builds its index, it answers 202 with code 110000 and a time to wait.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#search-guild-messages}
 */

import { z } from "zod";
import { listOrEmpty, optional } from "../../../core/discord/lenient.ts";
import type { ChannelId, GuildId, MessageId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { type StartTimer, waitFor } from "../../../lib/clock.ts";
import type { RestApi } from "../client/client.ts";

/** The answer of a search whose index is not ready (202). */
const notReadySchema = z.object({ code: z.literal(110_000), retry_after: z.number() });

/** The seconds after which Discord's index may be ready; `undefined` for another answer. */
export function indexWaitOf(answer: unknown): number | undefined {
  const notReady = notReadySchema.safeParse(answer).data;
  return notReady && Math.min(Math.max(notReady.retry_after, 1), 15);
}

/** Maximum number of channels, of hits and of characters in one search. */
const MAX_CHANNELS = 500;
const MAX_HITS = 25;
const MAX_CONTENT = 1_024;

const foundSchema = z.lazy(() =>
  z.object({
    messages: listOrEmpty(listOrEmpty(
      z.object({
        id: snowflakeSchema<"message">(),
        channel_id: snowflakeSchema<"channel">(),
        content: z.string(),
        pinned: optional(z.boolean()),
      }),
    )),
  })
);

/**
 * Searches a server's messages.
 *
 * @returns `undefined` if Discord's index was not ready in time.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export function createMessageSearch(client: RestApi, schedule: StartTimer): (
  guildId: GuildId,
  search: {
    readonly content: string;
    readonly channelIds: readonly ChannelId[];
    /** Only messages of this person; absent: of all. */
    readonly authorId?: UserId;
    /** Only older messages; absent: no limit. */
    readonly before?: MessageId;
    /** Only newer messages; absent: no limit. */
    readonly after?: MessageId;
  },
  limits: { readonly waitMs: number; readonly signal: AbortSignal },
) => Promise<
  readonly {
    readonly id: MessageId;
    readonly channelId: ChannelId;
    readonly text: string;
    readonly isPinned: boolean;
  }[] | undefined
> {
  return async (
    guildId,
    { content, channelIds, authorId, before, after },
    { waitMs, signal },
  ) => {
    const query = new URLSearchParams({ limit: String(MAX_HITS) });
    if (content !== "") query.set("content", content.slice(0, MAX_CONTENT).toWellFormed());
    if (authorId !== undefined) query.append("author_id", authorId);
    if (before !== undefined) query.set("max_id", before);
    if (after !== undefined) query.set("min_id", after);
    // The caller leaves out hits of other channels.
    if (channelIds.length <= MAX_CHANNELS) {
      for (const id of channelIds) query.append("channel_id", id);
    }
    for (let left = waitMs;;) {
      signal.throwIfAborted();
      const answer = await client.request(
        "GET",
        `/guilds/${guildId}/messages/search?${query}`,
        { signal },
      );
      const waitSec = indexWaitOf(answer);
      if (waitSec === undefined) {
        const { messages } = foundSchema.parse(answer);
        return messages.flat().map(({ channel_id: channelId, content: text, pinned, id }) => ({
          id,
          channelId,
          text,
          isPinned: pinned === true,
        }));
      }
      left -= waitSec * 1_000;
      if (left < 0) return undefined;
      await waitFor(waitSec * 1_000, schedule, signal);
    }
  };
}
