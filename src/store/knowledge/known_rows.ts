/**
 * Stores the messages that people search, within transactions of the caller's.
 *
 * A transaction on the way of a message only appends a row, or marks one as deleted. The index of
 * words changes in steps of its own, which come while the store is idle. A search joins each word's
 * messages with the rows, so a deleted message is gone at once.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { stemsOf, wordsOf } from "../../lib/text/search_words.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Judged, RepeatedVerdict } from "../../core/inbound/inbox.ts";
import { toOverheard } from "../../core/inbound/transcript.ts";
import { GONE, KNOWN_CHANNEL } from "../schema/judged.ts";
import { integer, rows, text } from "../schema/columns.ts";

const NUMBER = rows({ number: integer() });
const INDEXED = rows({ id: integer(), text: text() });

/** Maximum number of messages that a step indexes, and that it deletes. */
const STEP_INDEXED = 128;
const STEP_DELETED = 64;

/** The statements, which are prepared once a channel has `knowledge`. */
function prepareStatements(database: DatabaseSync) {
  const sql = statementsOf(database);
  return {
    isUsed: sql`
      SELECT EXISTS (SELECT 1 FROM known_message) OR EXISTS (SELECT 1 FROM known_channel) AS number`,
    channel: sql`SELECT id AS number FROM known_channel WHERE channel_id = ? AND account_id = ?`,
    addChannel: KNOWN_CHANNEL.prepareInsert(database, "RETURNING id AS number"),
    isKnown: sql`SELECT 1 FROM known_message WHERE message_id = ? AND channel = ?`,
    add: sql`INSERT INTO known_message (channel, message_id, author_id, reply_to, text)
       VALUES (?, ?, ?, ?, ?)`,
    remove: sql`UPDATE known_message SET channel = ${GONE}
       WHERE message_id = ? AND channel IN (SELECT id FROM known_channel WHERE account_id = ?)`,
    removeChannel: sql`DELETE FROM known_channel WHERE account_id = ? AND channel_id = ?`,
    upTo: sql`SELECT up_to AS number FROM known_index`,
    setUpTo: sql`UPDATE known_index SET up_to = ?`,
    unindexed: sql`SELECT id, text FROM known_message WHERE id > ? ORDER BY id LIMIT ?`,
    addWords: sql`INSERT INTO known_words (rowid, words) VALUES (?, ?)`,
    removeWords: sql`INSERT INTO known_words (known_words, rowid, words) VALUES ('delete', ?, ?)`,
    // One step in the index for each channel, and none for each message.
    goneChannel: sql`WITH RECURSIVE channels (number) AS (
         SELECT MIN(channel) FROM known_message
         UNION ALL
         SELECT (SELECT MIN(channel) FROM known_message WHERE channel > number)
         FROM channels WHERE number IS NOT NULL
       )
       SELECT number FROM channels
       WHERE number IS NOT NULL AND number NOT IN (SELECT id FROM known_channel) LIMIT 1`,
    inChannel: sql`SELECT id, text FROM known_message WHERE channel = ? LIMIT ?`,
    oldest: sql`SELECT id, text FROM known_message WHERE id <= ? ORDER BY id LIMIT ?`,
    delete: sql`DELETE FROM known_message WHERE id = ?`,
  };
}

/**
 * Prepares the changes. Without such messages, none of them reads or writes anything. The function
 * is long because its inner functions share one state: which rows and channels there are.
 */
export function prepareKnownRows(database: DatabaseSync) {
  let prepared: ReturnType<typeof prepareStatements> | undefined;
  const statements = () => prepared ??= prepareStatements(database);
  /** Rows of channels, by account and id. */
  const channels = new Map<string, number>();
  let used: boolean | undefined;
  /** Whether a step may have something to do. */
  let isDue = true;

  const numberIn = (row: unknown): number => NUMBER.read(row).number;
  const isUsed = (): boolean => used ??= numberIn(statements().isUsed.get()) === 1;

  function channelOf({ accountId, channelId, place }: InboundMessage): number | undefined {
    if (place.kind !== "guild") return undefined;
    const name = `${accountId} ${channelId}`;
    const known = channels.get(name);
    if (known !== undefined) return known;
    const { channel, addChannel } = statements();
    const row = channel.get(channelId, accountId) ??
      addChannel({ accountId, guildId: place.guild.id, channelId, parentId: place.channel.id });
    const number = numberIn(row);
    channels.set(name, number);
    used = true;
    return number;
  }

  function add(
    channel: number,
    { id, authorId, replyTo, text }: {
      readonly id: MessageId;
      readonly authorId: string;
      readonly replyTo?: MessageId | undefined;
      readonly text: string;
    },
  ): void {
    if (text.trim() === "" || statements().isKnown.get(id, channel)) return;
    isDue = true;
    statements().add.run(channel, id, authorId, replyTo ?? null, withoutControls(text));
  }

  /** The text that the index gets: words between blanks. */
  const indexedText = (text: string): string => [...stemsOf(wordsOf(text))].join(" ");

  /** Deletes rows with their words. @returns Their number. */
  function deleteRows(found: readonly unknown[]): number {
    const upTo = numberIn(statements().upTo.get());
    for (const row of found) {
      const { id, text } = INDEXED.read(row);
      if (id <= upTo) statements().removeWords.run(id, indexedText(text));
      statements().delete.run(id);
    }
    return found.length;
  }

  /** Deletes removed messages, `limit` at most. @returns Whether there are more. */
  function purge(limit: number): boolean {
    const channel = statements().goneChannel.get();
    return channel !== undefined &&
      deleteRows(statements().inChannel.all(numberIn(channel), limit)) > 0;
  }

  return {
    isUsed,
    /** Adds the messages of a batch that people may search. */
    addAll(recorded: readonly Judged[], repeats: readonly RepeatedVerdict[]): void {
      for (const { message, isSearchable } of recorded) {
        const channel = isSearchable && channelOf(message);
        if (channel) add(channel, { ...toOverheard(message), id: message.id });
      }
      for (const { judged: { message, isSearchable }, messages } of repeats) {
        const channel = isSearchable && channelOf(message);
        if (!channel) continue;
        const { authorId } = toOverheard(message);
        for (const { id, text } of messages) add(channel, { id, authorId, text });
      }
    },
    remove(accountId: AccountId, messageIds: readonly MessageId[]): void {
      if (!isUsed()) return;
      for (const id of messageIds) statements().remove.run(id, accountId);
      isDue = true;
    },
    /** Gives a message another text, if it was there. */
    edit(message: InboundMessage, isSearchable: boolean): void {
      if (!isUsed()) return;
      isDue = true;
      const isKnown = Number(statements().remove.run(message.id, message.accountId).changes) > 0;
      const channel = isKnown && isSearchable && channelOf(message);
      if (channel) add(channel, { ...toOverheard(message), id: message.id });
    },
    removeChannels(accountId: AccountId, channelIds: readonly ChannelId[]): void {
      if (!isUsed()) return;
      for (const id of channelIds) statements().removeChannel.run(accountId, id);
      channels.clear();
      isDue = true;
    },
    /** Whether a step may have something to do. */
    isDue: (): boolean => isDue && isUsed(),
    /** Takes a step of the index. @returns Whether there is more to do. */
    step(): boolean {
      if (!isUsed()) return false;
      const { upTo, setUpTo, unindexed, addWords } = statements();
      const found = unindexed.all(numberIn(upTo.get()), STEP_INDEXED).map(INDEXED.read);
      for (const { id, text } of found) addWords.run(id, indexedText(text));
      const last = found.at(-1);
      if (last) setUpTo.run(last.id);
      const isMore = purge(STEP_DELETED) || found.length === STEP_INDEXED;
      isDue = isMore;
      return isMore;
    },
    /** Deletes the oldest messages, with numbers up to one. @returns Whether there may be more. */
    prune: (upTo: number): boolean =>
      deleteRows(statements().oldest.all(upTo, STEP_DELETED)) === STEP_DELETED,
    /** Deletes all removed messages, with every word of them. */
    purgeAll(): void {
      if (!isUsed()) return;
      while (purge(STEP_DELETED));
      database.exec("INSERT INTO known_words (known_words) VALUES ('optimize')");
    },
    /** Forgets all memory, because the tables may differ. */
    forget(): void {
      channels.clear();
      used = undefined;
      isDue = true;
    },
  };
}

/** Changes the messages that people search. */
export type KnownRows = ReturnType<typeof prepareKnownRows>;
