/**
 * Reads what stands in a channel, as far as it tells one message of ours from another.
 *
 * Whoever looks for a message asks page by page, and wants to know of each failure
 * whether to ask again: so it is an outcome, never thrown.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, MessageId } from "../../core/ids.ts";
import type { Posted, PostedPage, Unread } from "../../core/posted.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";
import { MAX_HISTORY, type RawMessage, type ReadHistory } from "./history.ts";
import { RestError } from "./rest_error.ts";

/** Reads the page before a message, or the newest one. */
export type ReadPosted = (
  channelId: ChannelId,
  before?: MessageId,
) => Promise<PostedPage | Unread>;

const idSchema = z.object({ id: snowflakeSchema<"message">() });

/** Fields beside these are other people's business; a message without them is none of ours. */
const postedSchema = idSchema.extend({
  author: z.object({ id: snowflakeSchema<"user">() }),
  content: z.string(),
  message_reference: z.object({ message_id: snowflakeSchema<"message">().optional() }).nullish(),
  attachments: z.array(z.object({ size: z.number() })).default([]),
});

/** @see {@link https://docs.discord.com/developers/resources/message#get-channel-messages} */
export function createReadPosted(read: ReadHistory): ReadPosted {
  return async (channelId, before) => {
    try {
      const range = { limit: MAX_HISTORY, ...(before !== undefined && { before }) };
      const raw = await read(channelId, range);
      const oldest = raw.length === 0 ? undefined : idSchema.parse(raw.at(-1)).id;
      return {
        kind: "page",
        messages: raw.flatMap(toPosted),
        ...(oldest !== undefined && { oldest }),
        isLast: raw.length < MAX_HISTORY,
      };
    } catch (thrown) {
      if (!(thrown instanceof RestError)) throw thrown; // not Discord's: a bug of ours
      return toUnread(thrown);
    }
  };
}

function toPosted(raw: RawMessage): Posted[] {
  const parsed = postedSchema.safeParse(raw);
  if (!parsed.success) return [];
  const { id, author, content, message_reference, attachments } = parsed.data;
  const quote = message_reference?.message_id;
  return [{
    id,
    authorId: author.id,
    content,
    ...(quote !== undefined && { quote }),
    fileSizes: attachments.map(({ size }) => size),
  }];
}

function toUnread({ kind, message: reason, code, retryAfterMs }: RestError): Unread {
  return {
    kind: "unread",
    why: kind === "unsent" || kind === "unavailable" ? "unreachable" : kind,
    reason,
    ...(code !== undefined && { code }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
