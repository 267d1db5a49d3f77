/**
 * Stores overheard messages in blocks: one row for each channel and transaction.
 *
 * A flood brings some twenty messages of a channel in one transaction, and most of them are deleted
 * seconds later. With a row for each message, every few messages would change a page of the table,
 * once on insertion and once on deletion. Blocks are appended and deleted as a whole, so a
 * transaction changes only as many pages as its text fills. The view `message` shows the messages
 * one by one.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AccountId,
  type ChannelId,
  compareIds,
  createdAtMs,
  type MessageId,
} from "../../core/discord/ids.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { statementsOf } from "../database/durability.ts";
import { integer, json, rows } from "../schema/columns.ts";

export interface OverheardKey {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the messages. */
  readonly channelId: ChannelId;
}

/** Maximum number of messages in a block. Only whole blocks are deleted. */
const BLOCK_MAX = 64;

/** A message in a block. The last elements are missing if it is no reply and no forward. */
type Stored = readonly [
  messageId: MessageId,
  authorId: string,
  tag: string,
  text: string,
  sentAt: number,
  replyTo?: MessageId | null,
  forwards?: MessageId,
];

const BLOCK = rows({ sentTo: integer(), messages: json<readonly Stored[]>() });
const WRITTEN = rows({ id: integer(), messages: json<readonly Stored[]>() });

/** Prepares the statements for blocks. */
export function prepareMessageBlocks(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`INSERT INTO message_block
       (account_id, channel_id, sent_from, sent_to, count, kept_at, messages)
     VALUES (?, ?, ?, ?, ?, ?, ?)`;
  const selectBlocks = sql`SELECT sent_to, messages FROM message_block
     WHERE account_id = ? AND channel_id = ? AND sent_to >= ? AND sent_from <= ?
     ORDER BY sent_to DESC`;
  const selectNewer = sql`SELECT 1 FROM message_block
     WHERE account_id = ? AND channel_id = ? AND sent_to >= ? LIMIT 1`;

  /** Whether the channel has messages of that millisecond or a later one. */
  const hasSince = ({ accountId, channelId }: OverheardKey, at: number): boolean =>
    selectNewer.get(accountId, channelId, at) !== undefined;

  /** The blocks that may have messages of a span of time, the one with the newest message first. */
  function* blocksIn({ accountId, channelId }: OverheardKey, from: number, to: number) {
    for (const row of selectBlocks.iterate(accountId, channelId, from, to)) {
      yield BLOCK.read(row);
    }
  }

  /** Leaves out messages that are stored already. */
  function unstored(
    key: OverheardKey,
    messages: readonly Overheard[],
    { from, to }: BlockSpan,
  ): readonly Overheard[] {
    if (!hasSince(key, from)) return messages; // nearly always, because new messages are the newest
    const stored = new Set<MessageId>();
    for (const block of blocksIn(key, from, to)) {
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

  const selectSpan = sql`SELECT id, messages FROM message_block
     WHERE account_id = ? AND channel_id = ? AND sent_to >= ? AND sent_from <= ?`;
  const update = sql`UPDATE message_block SET messages = ?, count = ? WHERE id = ?`;
  const deleteBlock = sql`DELETE FROM message_block WHERE id = ?`;

  /** Replaces messages of a span of time; `change` returns the same message if it stays. */
  function rewrite(
    { accountId, channelId }: OverheardKey,
    { from, to }: BlockSpan,
    change: (stored: Stored) => Stored | undefined,
  ): void {
    for (const row of selectSpan.all(accountId, channelId, from, to)) {
      const { id, messages } = WRITTEN.read(row);
      const kept = messages.flatMap((stored) => {
        const changed = change(stored);
        return changed ? [changed] : [];
      });
      if (kept.length === 0) deleteBlock.run(id);
      else if (kept.length < messages.length || kept.some((one, at) => one !== messages[at])) {
        update.run(JSON.stringify(kept), kept.length, id);
      }
    }
  }

  return {
    /** Gives a stored message another text; one that is not stored changes nothing. */
    edit(key: OverheardKey, message: Overheard): void {
      const at = createdAtMs(message.messageId);
      rewrite(
        key,
        { from: at, to: at },
        (stored) => stored[0] === message.messageId ? toStored(message) : stored,
      );
    },
    /** Removes messages; those that are not stored change nothing. */
    remove(key: OverheardKey, messageIds: readonly MessageId[]): void {
      if (messageIds.length === 0) return;
      const times = messageIds.map(createdAtMs);
      const gone = new Set<string>(messageIds);
      rewrite(
        key,
        { from: Math.min(...times), to: Math.max(...times) },
        (stored) => gone.has(stored[0]) ? undefined : stored,
      );
    },
    /**
     * Adds messages of one channel, with distinct ids. A stored message stays unchanged.
     *
     * @param max Maximum number of messages of a channel; if there are more, the oldest are not
     * stored.
     */
    add(key: OverheardKey, messages: readonly Overheard[], max: number, now: number): void {
      const newest = messages.length > max ? messages.toSorted(byId).slice(-max) : messages;
      const fresh = unstored(key, newest, spanOf(newest));
      for (let start = 0; start < fresh.length; start += BLOCK_MAX) {
        insertBlock(key, fresh.slice(start, start + BLOCK_MAX), now);
      }
    },
    /**
     * Reads the newest messages between two others.
     *
     * @param after If absent, reading begins with the oldest.
     * @returns At most `limit`, oldest first.
     */
    newest(
      key: OverheardKey,
      { after, before }: { readonly after?: MessageId; readonly before: MessageId },
      limit: number,
    ): readonly Overheard[] {
      const from = after === undefined ? 0 : createdAtMs(after);
      let matches: Overheard[] = [];
      for (const { sentTo, messages } of blocksIn(key, from, createdAtMs(before))) {
        // All remaining blocks are older than this block's newest message.
        const oldest = matches[limit - 1];
        if (oldest && createdAtMs(oldest.messageId) > sentTo) break;
        for (const stored of messages) {
          const [id] = stored;
          const isWanted = compareIds(id, before) < 0 &&
            (after === undefined || compareIds(id, after) > 0);
          if (isWanted) matches.push(toOverheard(stored));
        }
        matches = matches.sort((a, b) => byId(b, a)).slice(0, limit);
      }
      return matches.reverse();
    },
    /** Whether the channel may have messages that are newer than this one. */
    mayHaveNewer: (key: OverheardKey, than: MessageId): boolean => hasSince(key, createdAtMs(than)),
  };
}

/** Adds and reads blocks, within transactions of the caller's. */
export type MessageBlocks = ReturnType<typeof prepareMessageBlocks>;

/** When the oldest and the newest of some messages were sent, as their ids say, in milliseconds. */
interface BlockSpan {
  readonly from: number;
  readonly to: number;
}

/** @param messages One at least. */
function spanOf([first, ...others]: readonly Overheard[]): BlockSpan {
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

function toStored(
  { messageId, authorId, tag, text, sentAt, replyTo, forwards }: Overheard,
): Stored {
  const stored = [messageId, authorId, tag, withoutControls(text), sentAt] as const;
  if (forwards) return [...stored, replyTo ?? null, forwards];
  return replyTo === undefined ? stored : [...stored, replyTo];
}

function toOverheard(
  [messageId, authorId, tag, text, sentAt, replyTo, forwards]: Stored,
): Overheard {
  const message = { messageId, tag, authorId, text, replyTo: replyTo ?? undefined, sentAt };
  return forwards ? { ...message, forwards } : message;
}
