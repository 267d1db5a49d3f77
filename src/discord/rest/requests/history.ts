/**
 * Reads the messages of a channel.
 *
 * `readHistory` returns them in Discord's own form, because one decoder reads the messages of
 * gateway and history. `readPosted` returns only the fields that identify a message of the
 * bot.
 */

import { z } from "zod";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { Posted, PostedPage, Unread } from "../../../core/outbound/delivery.ts";
import { listOrEmpty, optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";
import { expect, RestError } from "../exchange/rest_error.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

const ROUTE = "GET /channels/:id/messages";

/** Maximum number of messages in one response of Discord. */
export const MAX_HISTORY = 100;

/** A message in Discord's own form; only its id is validated. */
export type RawMessage = Readonly<Record<string, unknown>> & { readonly id: string };

/** A range of a channel's messages: the newest, or those before, after or around a message. */
interface HistoryRange {
  /** Only messages before this one. */
  readonly before?: MessageId;
  /** Only messages after this one. */
  readonly after?: MessageId;
  /** This message, and those on both sides of it. */
  readonly around?: MessageId;
  /** 1 to {@link MAX_HISTORY}. */
  readonly limit: number;
}

/** Their number tells whether there are more, so none is left out. */
const historySchema = z.array(z.looseObject({ id: snowflakeSchema<"message">() }));

/**
 * Reads messages, newest first.
 *
 * An empty result does not mean that the channel has no messages. Without the permission to read
 * the history, Discord answers with an empty list, not with an error.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @throws {RangeError} If the limit is out of range.
 * @see {@link https://docs.discord.com/developers/resources/message#get-channel-messages}
 */
export async function readHistory(
  api: RestApi,
  channelId: ChannelId,
  { before, after, around, limit }: HistoryRange,
  options: RequestOptions = {},
): Promise<readonly RawMessage[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY) {
    throw new RangeError(`Cannot read ${limit} messages at once: 1 to ${MAX_HISTORY}`);
  }
  const query = new URLSearchParams({ limit: String(limit) });
  if (before !== undefined) query.set("before", before);
  if (after !== undefined) query.set("after", after);
  if (around !== undefined) query.set("around", around);
  const answer = await api.request("GET", `/channels/${channelId}/messages?${query}`, options);
  return expect(ROUTE, historySchema, answer);
}

const idSchema = z.object({ id: snowflakeSchema<"message">() });

/** The fields that identify a message; one without them is not the bot's. */
const postedSchema = z.lazy(() =>
  idSchema.extend({
    author: z.object({ id: snowflakeSchema<"user">() }),
    content: textOr(""),
    message_reference: optional(z.object({ message_id: optional(snowflakeSchema<"message">()) })),
    attachments: listOrEmpty(z.object({ size: z.number() })),
  })
);

/**
 * Reads the page before a message, or the newest one. A failure is an outcome, never thrown: a
 * caller that searches page by page decides for each failure whether to retry.
 */
export async function readPosted(
  api: RestApi,
  channelId: ChannelId,
  before?: MessageId,
): Promise<PostedPage | Unread> {
  try {
    const raw = await readHistory(api, channelId, { limit: MAX_HISTORY, before });
    const oldest = raw.length === 0 ? undefined : idSchema.parse(raw.at(-1)).id;
    return {
      kind: "page",
      messages: raw.flatMap(toPosted),
      oldest,
      isLast: raw.length < MAX_HISTORY,
    };
  } catch (thrown) {
    return toUnread(thrown);
  }
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
    quote,
    fileSizes: attachments.map(({ size }) => size),
  }];
}

/** A failed request as the outcome of a look; it throws any other error. */
export function toUnread(thrown: unknown): Unread {
  if (!(thrown instanceof RestError)) throw thrown; // not a failed request: a bug of Barnacle
  const { kind, message: reason, code, retryAfterMs } = thrown;
  return {
    kind: "unread",
    why: kind === "unsent" || kind === "unavailable" ? "unreachable" : kind,
    reason,
    code,
    retryAfterMs,
  };
}
