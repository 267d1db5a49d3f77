/** Reads single channels and messages with the bot's reactions on them, and new links to files. */

import { isThread } from "../../../core/rights/channel.ts";
import { z } from "zod";
import type { ChannelId, GuildId, MessageId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import {
  closingFlag,
  listOf,
  listOrEmpty,
  numeric,
  optional,
} from "../../../core/discord/lenient.ts";
import { expect } from "../exchange/rest_error.ts";
import type { RestApi } from "../client/client.ts";
import type { RawMessage } from "./history.ts";

/** A channel that a tool names. */
export interface NamedChannel {
  /** Absent for a direct channel. */
  readonly guildId?: GuildId;
  /** Set if it is age-restricted itself; a thread has the setting of {@link parentId}. */
  readonly isAgeRestricted?: true;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
}

/** A message, with the facts that a tool needs of it. */
export interface SingleMessage {
  readonly authorId: UserId;
  /** The bot's own reactions: `"👀"`, or `"<:krill:123>"`. */
  readonly ownReactions: readonly string[];
  /** Whether it has buttons or menus. */
  readonly hasControls: boolean;
  readonly raw: RawMessage;
}

const channelSchema = z.lazy(() =>
  z.object({
    guild_id: snowflakeSchema<"guild">().nullish(),
    type: numeric,
    parent_id: optional(snowflakeSchema<"channel">()),
    nsfw: closingFlag,
  })
);

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
    /** Reads a channel. */
    async channel(channelId: ChannelId): Promise<NamedChannel> {
      const answer = await api.request("GET", `/channels/${channelId}`);
      const channel = expect("GET /channels/:id", channelSchema, answer);
      const { guild_id: guildId, type, parent_id: parentId } = channel;
      return {
        guildId: guildId || undefined,
        isAgeRestricted: channel.nsfw ? true : undefined,
        parentId: parentId && isThread({ type }) ? parentId : undefined,
      };
    },
    /** Reads a message. */
    async message(channelId: ChannelId, messageId: MessageId): Promise<SingleMessage> {
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

/** Reads channels and messages. Rejects with a `RestError` if Discord does not answer, or refuses. */
export type SingleReads = ReturnType<typeof createSingleReads>;

/** Asks for a new link to a file; `undefined` if Discord has none. */
export type RefreshUrl = (url: string, signal: AbortSignal) => Promise<string | undefined>;

const answerSchema = z.lazy(() =>
  z.object({
    refreshed_urls: listOrEmpty(
      z.object({ original: z.string(), refreshed: optional(z.string()) }),
    ),
  })
);

/**
 * Creates a {@link RefreshUrl}.
 *
 * @see {@link https://docs.discord.com/developers/reference#signed-attachment-cdn-urls}
 */
export function createRefreshUrl(api: RestApi): RefreshUrl {
  return async (url, signal) => {
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
