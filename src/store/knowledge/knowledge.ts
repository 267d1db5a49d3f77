/**
 * `store.knowledge`: searches the messages of channels with `knowledge` (T17).
 *
 * A search is bounded. It reads the newest messages of each word, and of all words together; the
 * rarest words count most. Of these messages, it looks at the most promising ones until enough of
 * them are in the channels of the search.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { comparing, plainForm, type QueryWord, queryWords } from "../../lib/text/search_words.ts";
import {
  type AccountId,
  type ChannelId,
  compareIds,
  DISCORD_EPOCH_MS,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { flag, integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import { KNOWN_CHANNEL } from "../schema/judged.ts";
import type { ServerQuery } from "../../core/turn/ports/search.ts";
import type { KnownRows } from "./known_rows.ts";

const IDS = rows({ ids: json<readonly number[]>() });
const NUMBER = rows({ number: integer() });
const PLACE = KNOWN_CHANNEL.pick("id", "channelId", "parentId");
const CHANNEL = KNOWN_CHANNEL.pick("guildId", "channelId", "parentId");

/** A channel or thread with known messages; `parentId` is the channel of a thread, else the same id. */
export type SearchedChannel = ReturnType<typeof CHANNEL.read>;

const REPLIES = rows({ ids: json<readonly MessageId[]>() });
const NEWS = rows({
  channelId: snowflake<"channel">(),
  parentId: snowflake<"channel">(),
  count: integer(),
  isTheirs: flag(), // a thread in which the person has written
  near: json<readonly MessageId[]>(),
});
const FOUND = rows({
  id: integer(),
  channel: integer(),
  messageId: snowflake<"message">(),
  authorId: snowflake<"user">(),
  replyTo: optional(snowflake<"message">()),
  text: text(),
});

/** Newest messages of a word that a search reads. A word with more is a common one. */
const PER_WORD = 1_000;
/** Messages that are looked at together, and at most. */
const CHUNK = 200;
const MAX_LOOKED_AT = 4_000;
/** Messages in the right channels that are compared whole. */
const MAX_COMPARED = 80;
/** Newest messages that a search without words reads. */
const MAX_SCANNED = 5_000;
/** Common words that a message must have together. */
const MAX_JOINED = 3;
/** Messages with a word from which on a search for it takes no longer words. */
const FEW = 40;
const MAX_REPLIES = 5;

/** Newest messages in which a catch-up looks. */
const MAX_RECENT = 20_000;

/** The statements, which are prepared by the first search. */
function prepareSearch(database: DatabaseSync) {
  const sql = statementsOf(database);
  return {
    size: sql`SELECT COALESCE(MAX(id), 0) AS number FROM known_message`,
    upTo: sql`SELECT up_to AS number FROM known_index`,
    channels: sql`
      SELECT id, channel_id, parent_id FROM known_channel WHERE account_id = ? AND guild_id = ?`,
    allChannels: sql`
      SELECT guild_id, channel_id, parent_id FROM known_channel WHERE account_id = ?`,
    matching: sql`SELECT json_group_array(id) AS ids FROM (
         SELECT rowid AS id FROM known_words WHERE known_words MATCH ? ORDER BY rowid DESC LIMIT ?
       )`,
    channelsOf: sql`SELECT json_group_array(m.id) AS ids FROM json_each(?) AS wanted
       CROSS JOIN known_message AS m ON m.id = wanted.value
       WHERE m.channel IN (SELECT value FROM json_each(?))`,
    found: sql`SELECT m.id, m.channel, m.message_id, m.author_id, m.reply_to, m.text
       FROM json_each(?) AS wanted CROSS JOIN known_message AS m ON m.id = wanted.value`,
    containing: sql`SELECT json_group_array(id) AS ids FROM (
         SELECT id FROM known_message WHERE id > ? AND instr(lower(text), ?) > 0
         ORDER BY id DESC LIMIT ?
       )`,
    replies: sql`SELECT json_group_array(message_id) AS ids FROM (
         SELECT message_id FROM known_message
         WHERE reply_to = ? AND +channel = ? AND author_id <> ? ORDER BY +id LIMIT ${MAX_REPLIES}
       )`,
    news: sql`
      SELECT c.channel_id, c.parent_id, COUNT(*) AS count,
        c.parent_id <> c.channel_id AND EXISTS (
          SELECT 1 FROM known_message AS o WHERE o.channel = c.id AND o.author_id = :userId
        ) AS is_theirs,
        json_group_array(m.message_id) FILTER (WHERE instr(m.text, :userId) > 0 OR EXISTS (
          SELECT 1 FROM known_message AS t WHERE t.message_id = m.reply_to AND t.author_id = :userId
        )) AS near
      FROM (SELECT * FROM known_message ORDER BY id DESC LIMIT ${MAX_RECENT}) AS m
      JOIN known_channel AS c ON c.id = m.channel
      WHERE c.account_id = :accountId AND c.guild_id = :guildId AND m.message_id > :after
        AND m.author_id <> :userId
      GROUP BY c.id`,
    seenAt: sql`
      WITH wanted AS (SELECT value FROM json_each(:channels))
      SELECT COALESCE(MAX(at), 0) AS number FROM (
        SELECT (CAST(message_id AS INTEGER) >> 22) + ${DISCORD_EPOCH_MS} AS at
        FROM (SELECT * FROM decision ORDER BY id DESC LIMIT ${MAX_RECENT})
        WHERE account_id = :accountId AND author_id = :userId AND channel_id IN wanted
          AND why <> 'caught-up'
        UNION ALL SELECT at FROM reaction
        WHERE account_id = :accountId AND user_id = :userId AND channel_id IN wanted
      )`,
  };
}

/** Creates the namespace. The function is long because its steps share the statements. */
export function createKnowledge(
  { database, commit, read }: Transactions,
  known: KnownRows,
) {
  let prepared: ReturnType<typeof prepareSearch> | undefined;
  const statements = () => prepared ??= prepareSearch(database);
  const idsOf = (row: unknown): readonly number[] => IDS.read(row).ids;

  /** Numbers of the newest messages with a word. Words have letters and digits only. */
  function messagesWith({ stem, isBeginning }: QueryWord): readonly number[] {
    const { matching } = statements();
    const ids = idsOf(matching.get(`"${stem}"`, PER_WORD));
    // Such a search reads all messages with these words, so a common one must do without.
    return isBeginning && ids.length < FEW ? idsOf(matching.get(`"${stem}"*`, PER_WORD)) : ids;
  }

  /** Numbers of messages that may match, the most promising first, and the weights of the words. */
  function candidatesOf(words: readonly QueryWord[], query: string, size: number): {
    /** Their numbers, the most promising first. */
    readonly ids: readonly number[];
    /** What each word counts: a rare word more than a common one. */
    readonly weights: readonly number[];
  } {
    const { matching, containing } = statements();
    if (words.length === 0) {
      const part = plainForm(query).trim();
      const row = part !== "" &&
        containing.get(Math.max(0, size - MAX_SCANNED), part, MAX_COMPARED);
      return { ids: row ? idsOf(row) : [], weights: [] };
    }
    const lists = words.map(messagesWith);
    const weights = lists.map((ids) => Math.log(1 + size / (1 + ids.length)));
    const scores = new Map<number, number>();
    lists.forEach((ids, at) => {
      for (const id of ids) scores.set(id, (scores.get(id) ?? 0) + (weights[at] ?? 0));
    });
    // All messages of a rare word are candidates already. Of common words alone, the newest messages
    // may lack one with several of them.
    if (words.length > 1 && lists.every(({ length }) => length === PER_WORD)) {
      const longest = words.map(({ stem }) => stem)
        .sort((one, other) => other.length - one.length).slice(0, MAX_JOINED);
      const whole = weights.reduce((sum, weight) => sum + weight, 0);
      const together = longest.map((stem) => `"${stem}"`).join(" ");
      for (const id of idsOf(matching.get(together, PER_WORD))) {
        scores.set(id, (scores.get(id) ?? 0) + whole);
      }
    }
    const ids = [...scores].sort(([one, a], [other, b]) => b - a || other - one)
      .map(([id]) => id);
    return { ids, weights };
  }

  function find(query: KnownQuery): KnownHits {
    const { size: sizeOf, upTo, channels, channelsOf, found, replies } = statements();
    const size = NUMBER.read(sizeOf.get()).number;
    const unindexed = Math.max(0, size - NUMBER.read(upTo.get()).number);
    const places = new Map(
      channels.all(query.accountId, query.guildId).map(PLACE.read)
        .filter(({ channelId, parentId }) =>
          query.among.has(parentId) && (!query.channelId || query.channelId === channelId)
        ).map((place) => [place.id, place]),
    );
    if (places.size === 0) return { hits: [], unindexed };
    const words = queryWords(query.words);
    const { ids: candidates, weights } = candidatesOf(words, query.words, size);
    const among = JSON.stringify([...places.keys()]);
    const chosen: number[] = [];
    for (let at = 0; at < Math.min(candidates.length, MAX_LOOKED_AT); at += CHUNK) {
      const part = JSON.stringify(candidates.slice(at, at + CHUNK));
      chosen.push(...idsOf(channelsOf.get(part, among)));
      if (chosen.length >= MAX_COMPARED) break;
    }
    const compare = comparing(query.words, weights);
    const hits = found.all(JSON.stringify(chosen.slice(0, MAX_COMPARED))).map(FOUND.read)
      .filter((row) => isWanted(row, query))
      .map((row) => ({ row, score: compare(row.text) }))
      .filter(({ score }) => score > 0)
      .sort((one, other) => other.score - one.score || other.row.id - one.row.id)
      .slice(0, query.limit);
    return {
      unindexed,
      hits: hits.flatMap(({ row, score }): readonly KnownHit[] => {
        const { messageId, authorId, channel } = row;
        const place = places.get(channel);
        if (!place) return [];
        const { channelId, parentId } = place;
        const answers = REPLIES.read(replies.get(messageId, channel, authorId)).ids;
        return [{
          channelId,
          parentId,
          messageId,
          authorId,
          text: row.text,
          score,
          replies: answers,
        }];
      }),
    };
  }

  return {
    /** Searches messages. Brings the index up to date first, as far as that is quick. */
    async search(query: KnownQuery): Promise<KnownHits> {
      if (!known.isUsed()) return { hits: [], unindexed: 0 };
      if (known.isDue()) await commit(UNNAMED, () => known.step());
      return await read(() => find(query));
    },
    /** New messages by others in a server's channels: their number, and those that concern a person. */
    newsOf: (
      given: Pick<KnownQuery, "accountId" | "guildId"> & Record<"userId" | "after", string>,
    ) => read(() => known.isUsed() ? statements().news.all(given).map(NEWS.read) : []),
    /** Unix time in milliseconds of a person's last message or reaction in channels; 0: none is known. */
    seenAt: (accountId: AccountId, userId: UserId, among: readonly ChannelId[]) =>
      read(() => {
        const channels = JSON.stringify(among);
        return NUMBER.read(statements().seenAt.get({ accountId, userId, channels })).number;
      }),
    /** Removes messages that Discord does not have any more. No later search finds them. */
    removeKnown: (accountId: AccountId, messageIds: readonly MessageId[]) =>
      commit(UNNAMED, () => known.remove(accountId, messageIds)),
    removeKnownChannels: (accountId: AccountId, channelIds: readonly ChannelId[]) =>
      commit(UNNAMED, () => known.removeChannels(accountId, channelIds)),
    // Without any, nothing is read: the tables need not be up to date for that.
    knownChannels: (accountId: AccountId): Promise<readonly SearchedChannel[]> =>
      known.isUsed()
        ? read(() => statements().allChannels.all(accountId).map(CHANNEL.read))
        : Promise.resolve([]),
    /**
     * Adds words of some messages to the index, and deletes some removed ones.
     *
     * @returns Whether there is more to do.
     */
    tend: () => known.isDue() ? commit(UNNAMED, () => known.step()) : Promise.resolve(false),
  };
}

export type Knowledge = ReturnType<typeof createKnowledge>;

function isWanted(
  { messageId, authorId }: { readonly messageId: MessageId; readonly authorId: string },
  { authorId: by, before, after }: KnownQuery,
): boolean {
  return (by === undefined || authorId === by) &&
    (before === undefined || compareIds(messageId, before) < 0) &&
    (after === undefined || compareIds(messageId, after) > 0);
}

export interface KnownQuery extends ServerQuery {
  readonly accountId: AccountId;
  readonly guildId: GuildId;
  /** Channels without threads; messages of their threads count, too. No other message is read. */
  readonly among: ReadonlySet<ChannelId>;
}

/** A found message. It must be read at Discord before it is shown. */
interface KnownHit {
  readonly channelId: ChannelId;
  readonly parentId: ChannelId;
  readonly messageId: MessageId;
  readonly authorId: UserId;
  readonly text: string;
  /** How well it matches, from 0 to 1. */
  readonly score: number;
  /** Known messages that reply to it, oldest first: five at most. */
  readonly replies: readonly MessageId[];
}

interface KnownHits {
  /** The best first. */
  readonly hits: readonly KnownHit[];
  /** Number of newer messages whose words are not in the index yet. */
  readonly unindexed: number;
}
