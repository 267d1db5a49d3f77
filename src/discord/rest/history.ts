/**
 * Reads what stands in a channel, as Discord has it.
 *
 * The messages stay in Discord's own spelling, so that whoever decodes the
 * gateway's messages decodes these the same.
 *
 * @module
 */

import { z } from "zod";
import type { ChannelId, MessageId } from "../../core/ids.ts";
import { expect } from "./answer.ts";
import type { RequestOptions } from "./client.ts";
import type { MessageApi } from "./messages.ts";

const ROUTE = "GET /channels/:id/messages";

/** Messages that Discord gives at once, at most. */
export const MAX_HISTORY = 100;

/** A message as Discord sends it, which only its id has been looked at. */
export type RawMessage = Readonly<Record<string, unknown>> & { readonly id: string };

/** Which messages of a channel: the newest there are, or those on one side of a message. */
export interface HistoryRange {
  readonly before?: MessageId;
  readonly after?: MessageId;
  /** 1 to {@link MAX_HISTORY}. */
  readonly limit: number;
}

/**
 * Reads messages, newest first.
 *
 * An empty answer does not say that there are none: without the permission to
 * read the history Discord answers with nothing, not with an error.
 *
 * @throws {RestError} If Discord does not give them.
 * @throws {RangeError} If the limit is out of range.
 */
export type ReadHistory = (
  channelId: ChannelId,
  range: HistoryRange,
) => Promise<readonly RawMessage[]>;

const historySchema = z.array(z.looseObject({ id: z.string() }));

/** @see {@link https://docs.discord.com/developers/resources/message#get-channel-messages} */
export function createHistory(api: MessageApi, options: RequestOptions = {}): ReadHistory {
  return async (channelId, { before, after, limit }) => {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HISTORY) {
      throw new RangeError(`Cannot read ${limit} messages at once: 1 to ${MAX_HISTORY}`);
    }
    const query = new URLSearchParams({ limit: String(limit) });
    if (before !== undefined) query.set("before", before);
    if (after !== undefined) query.set("after", after);
    const answer = await api.request("GET", `/channels/${channelId}/messages?${query}`, options);
    return expect(ROUTE, historySchema, answer);
  };
}
