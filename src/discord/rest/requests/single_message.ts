/** Reads single messages with the bot's reactions on them, and new links to files. */

import { z } from "zod";
import type { ChannelId, MessageId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { listOf, listOrEmpty, optional } from "../../../core/discord/lenient.ts";
import { expect } from "../exchange/rest_error.ts";
import type { RestApi } from "../client/client.ts";
import type { RawMessage } from "./history.ts";

const messageSchema = z.lazy(() =>
  z.looseObject({
    id: snowflakeSchema<"message">(),
    author: z.looseObject({ id: snowflakeSchema<"user">() }),
    components: listOf(z.unknown()),
    reactions: listOrEmpty(z.object({
      me: z.boolean(),
      emoji: z.object({ id: optional(snowflakeSchema()), name: optional(z.string()) }),
    })),
  })
);

/**
 * Creates the reads of one account.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#get-channel-message}
 */
export function createSingleReads(api: RestApi) {
  return {
    async message(channelId: ChannelId, messageId: MessageId): Promise<{
      readonly authorId: UserId;
      /** The bot's own reactions: `"👀"`, or `"<:krill:123>"`. */
      readonly ownReactions: readonly string[];
      /** Whether it has buttons or menus. */
      readonly hasControls: boolean;
      readonly raw: RawMessage;
    }> {
      const answer = await api.request("GET", `/channels/${channelId}/messages/${messageId}`);
      const raw = expect("GET /channels/:id/messages/:id", messageSchema, answer);
      return {
        authorId: raw.author.id,
        ownReactions: raw.reactions.flatMap(({ me, emoji: { id, name } }) =>
          me ? [id ? `<:${name ?? "_"}:${id}>` : name ?? ""] : []
        ),
        hasControls: (raw.components ?? []).length > 0,
        raw,
      };
    },
  };
}

const answerSchema = z.lazy(() =>
  z.object({
    refreshed_urls: listOrEmpty(
      z.object({ original: z.string(), refreshed: optional(z.string()) }),
    ),
  })
);

/**
 * Creates the request for a new link to a file; `undefined` if Discord has none.
 *
 * @see {@link https://docs.discord.com/developers/reference#signed-attachment-cdn-urls}
 */
export function createRefreshUrl(api: RestApi) {
  return async (url: string, signal: AbortSignal): Promise<string | undefined> => {
    const answer = await api.request("POST", "/attachments/refresh-urls", {
      body: { attachmentUrls: [url] },
      signal,
    });
    const parsed = answerSchema.safeParse(answer);
    return parsed.success
      ? parsed.data.refreshed_urls.find(({ original }) => original === url)?.refreshed ?? undefined
      : undefined;
  };
}
