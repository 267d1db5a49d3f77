/**
 * Reads the history of channels for tools.
 *
 * @module
 */

import type { MessageId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import type { Overheard } from "../../inbound/transcript.ts";

/** What tools can read of channels. */
export interface HistoryPort {
  /**
   * Reads messages of the channel of a message, of those that the policy lets a model see (P10).
   *
   * @param range `limit` is from 1 to 100, counted before the policy; `before` is exclusive.
   * @returns Oldest first, without the bot's own.
   * @throws {Error} If the sender may not read the history there, or if Discord does not answer or
   * refuses; as a rejection.
   */
  read(
    channelOf: InboundMessage,
    range: { readonly limit: number; readonly before: MessageId },
  ): Promise<readonly Overheard[]>;
}
