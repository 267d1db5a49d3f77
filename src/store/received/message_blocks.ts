/**
 * Stores overheard messages in blocks: one row for each channel and transaction.
 *
 * A flood brings some twenty messages of a channel in one transaction, and most of them are deleted
 * seconds later. A row for each message changes a page of the table for every few messages, once
 * when it comes and once when it goes. Blocks are appended side by side and deleted whole, so a
 * transaction changes as many pages as its words fill. The view `message` shows the messages one by
 * one.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { compareIds, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import { withoutControls } from "../../lib/text/controls.ts";
import type { OverheardKey } from "../memory/overheard_key.ts";

/** Each within a transaction of the caller's. */
export interface MessageBlocks {
  /**
   * Adds messages of one channel, of which no two have the same id. A message that is stored
   * already stays unchanged.
   *
   * @param max Messages that a channel may have: older ones of these are not stored.
   * @param now Unix time in milliseconds.
   */
  add(ears: OverheardKey, messages: readonly Overheard[], max: number, now: number): void;
  /**
   * Reads the newest messages between two others.
   *
   * @param after Absent: from the oldest on.
   * @returns At most `limit`, oldest first.
   */
  newest(
    ears: OverheardKey,
    range: { readonly after?: MessageId; readonly before: MessageId },
    limit: number,
  ): readonly Overheard[];
  /** Whether the channel may have messages that are newer than this one. */
  mayHaveNewer(ears: OverheardKey, than: MessageId): boolean;
}

/** Maximum number of messages in a block. Only whole blocks are deleted. */
const BLOCK_MAX = 64;

/** A message in a block: the last place is left out if it replies to none. */
type Stored = readonly [
  messageId: MessageId,
  authorId: string,
  tag: string,
  text: string,
  sentAt: number,
  replyTo?: MessageId,
];

const blockSchema = z.object({
  sent_to: z.number(),
  messages: z.string().transform((text): readonly Stored[] => JSON.parse(text)), // ours
});

/** Prepares the statements for blocks. */
export function prepareMessageBlocks(database: DatabaseSync): MessageBlocks {
  const insert = database.prepare(
    `INSERT INTO message_block
       (account_id, channel_id, sent_from, sent_to, count, kept_at, messages)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectBlocks = database.prepare(
    `SELECT sent_to, messages FROM message_block
     WHERE account_id = ? AND channel_id = ? AND sent_to >= ? AND sent_from <= ?
     ORDER BY sent_to DESC`,
  );
  const selectNewer = database.prepare(
    `SELECT 1 FROM message_block
     WHERE account_id = ? AND channel_id = ? AND sent_to >= ? LIMIT 1`,
  );

  /** Whether the channel has messages of that millisecond or a later one. */
  const hasSince = ({ accountId, channelId }: OverheardKey, at: number): boolean =>
    selectNewer.get(accountId, channelId, at) !== undefined;

  /** The blocks that may have messages of a span of time, the one with the newest message first. */
  function* blocksIn({ accountId, channelId }: OverheardKey, from: number, to: number) {
    for (const row of selectBlocks.iterate(accountId, channelId, from, to)) {
      yield blockSchema.parse(row);
    }
  }

  /** Leaves out messages that are stored already. */
  function unstored(
    ears: OverheardKey,
    messages: readonly Overheard[],
    { from, to }: Span,
  ): readonly Overheard[] {
    if (!hasSince(ears, from)) return messages; // as it nearly always is: they are the newest
    const stored = new Set<MessageId>();
    for (const block of blocksIn(ears, from, to)) {
      for (const [id] of block.messages) stored.add(id);
    }
    return stored.size === 0
      ? messages
      : messages.filter(({ messageId }) => !stored.has(messageId));
  }

  function insertBlock(
    { accountId, channelId }: OverheardKey,
    messages: readonly Overheard[],
    now: number,
  ) {
    const { from, to } = spanOf(messages);
    const text = JSON.stringify(messages.map(toStored));
    insert.run(accountId, channelId, from, to, messages.length, now, text);
  }

  return {
    add(ears, messages, max, now) {
      const newest = messages.length > max ? messages.toSorted(byId).slice(-max) : messages;
      const fresh = unstored(ears, newest, spanOf(newest));
      for (let start = 0; start < fresh.length; start += BLOCK_MAX) {
        insertBlock(ears, fresh.slice(start, start + BLOCK_MAX), now);
      }
    },
    newest(ears, { after, before }, limit) {
      const from = after === undefined ? 0 : createdAtMs(after);
      let found: Overheard[] = [];
      for (const { sent_to, messages } of blocksIn(ears, from, createdAtMs(before))) {
        // All that is left is older than this block's newest message.
        const oldest = found[limit - 1];
        if (oldest && createdAtMs(oldest.messageId) > sent_to) break;
        for (const stored of messages) {
          const [id] = stored;
          const isWanted = compareIds(id, before) < 0 &&
            (after === undefined || compareIds(id, after) > 0);
          if (isWanted) found.push(toOverheard(stored));
        }
        found = found.sort((a, b) => byId(b, a)).slice(0, limit);
      }
      return found.reverse();
    },
    mayHaveNewer: (ears, than) => hasSince(ears, createdAtMs(than)),
  };
}

/** When the oldest and the newest of some messages were sent, as their ids say, in milliseconds. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** @param messages One at least. */
function spanOf([first, ...others]: readonly Overheard[]): Span {
  if (!first) throw new RangeError("Cannot tell the span of no messages");
  let oldest = first.messageId;
  let newest = first.messageId;
  for (const { messageId } of others) {
    if (compareIds(messageId, oldest) < 0) oldest = messageId;
    if (compareIds(messageId, newest) > 0) newest = messageId;
  }
  return { from: createdAtMs(oldest), to: createdAtMs(newest) };
}

function byId(a: Overheard, b: Overheard): number {
  return compareIds(a.messageId, b.messageId);
}

function toStored({ messageId, authorId, tag, text, sentAt, replyTo }: Overheard): Stored {
  const words = withoutControls(text);
  return replyTo === undefined
    ? [messageId, authorId, tag, words, sentAt]
    : [messageId, authorId, tag, words, sentAt, replyTo];
}

function toOverheard([messageId, authorId, tag, text, sentAt, replyTo]: Stored): Overheard {
  return { messageId, tag, authorId, text, ...(replyTo !== undefined && { replyTo }), sentAt };
}
