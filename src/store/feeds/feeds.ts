/**
 * `store.feeds`: when each feed is polled next, and which of its entries were seen (T15).
 *
 * Entries and the messages about them are stored in one transaction. So a crash neither loses an
 * entry nor posts it twice.
 */

import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { integer, rows, text } from "../schema/columns.ts";
import { prepareAddEvents } from "../hooks/hooks.ts";
import { FEED, FEED_ENTRY } from "../schema/agent.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { FeedState, FeedValidators } from "../../core/feed.ts";
import type { NumberedEvent } from "../../core/hooks/hook.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";

/** Maximum number of entries of a feed that are remembered; a feed has 100 at most at a time. */
export const FEED_ENTRIES_MAX = 2_000;

const ID = rows({ id: integer() });
const KEY = rows({ entryKey: text() });

export function createFeeds(
  { database, sql, commit, read }: Transactions,
) {
  const addOnce = prepareAddOnce(database);
  const selectAll = sql.rows(STORED.read)`SELECT ${STORED.columns()} FROM feed
     WHERE :accountId IS NULL OR account_id = :accountId ORDER BY account_id, name`;
  const select = sql`
    SELECT id FROM feed WHERE account_id = :accountId AND name = :name AND url = :url
      AND read_at > COALESCE((SELECT at FROM setting
        WHERE (account_id, scope, name) = ('', 'store', 'restored')), -1)`;
  const selectKeys = sql.rows(KEY.read)`SELECT entry_key FROM feed_entry WHERE feed_row = ?`;
  const upsert = FEED.prepareInsert(
    database,
    `ON CONFLICT (account_id, name) DO UPDATE SET url = excluded.url, etag = excluded.etag,
       last_modified = excluded.last_modified, next_at = excluded.next_at,
       read_at = excluded.read_at, failures = 0, problem = NULL
     RETURNING id`,
  );
  const fail = FEED.prepareInsert(
    database,
    `ON CONFLICT (account_id, name) DO UPDATE SET next_at = excluded.next_at,
       problem = excluded.problem, failures = failures + 1`,
  );
  const ask = sql`UPDATE feed SET next_at = 0 WHERE account_id = :accountId AND name = :name`;
  const forgetOfOther = sql`DELETE FROM feed_entry WHERE feed_row IN
       (SELECT id FROM feed WHERE account_id = :accountId AND name = :name AND url <> :url)`;
  const see = FEED_ENTRY.prepareInsert(
    database,
    "ON CONFLICT (feed_row, entry_key) DO UPDATE SET seen_at = excluded.seen_at",
  );
  const addEvents = prepareAddEvents(database);
  const prune = database.prepare(
    `DELETE FROM feed_entry WHERE feed_row NOT IN (SELECT id FROM feed) OR feed_row = :id AND entry_key NOT IN
       (SELECT entry_key FROM feed_entry WHERE feed_row = :id
        ORDER BY seen_at = :now DESC, seen_at DESC LIMIT ${FEED_ENTRIES_MAX})`, // a clock may go back
  );

  return {
    /** The feeds of an account that were polled once, by name; of all accounts, if none is given. */
    list: (accountId?: AccountId): Promise<readonly FeedState[]> =>
      read(() => selectAll.all({ accountId: accountId ?? null })),
    /**
     * Finds the entries that are new.
     *
     * @param keys Keys of the entries that the feed has now.
     * @returns Those that were never seen; `"first"` if the feed was not polled before at this address,
     * or not since the store was restored.
     */
    unseen: (
      { accountId, name, url }: FeedName,
      keys: readonly string[],
    ): Promise<ReadonlySet<string> | "first"> =>
      read(() => {
        const row = select.get({ accountId, name, url });
        if (!row) return "first";
        const known = new Set(selectKeys.all(ID.read(row).id).map(({ entryKey }) => entryKey));
        return new Set(keys.filter((key) => !known.has(key)));
      }),
    /**
     * Records a poll that succeeded, with the messages or events about new entries, in one transaction. An entry
     * that another poll has recorded meanwhile adds none.
     */
    record: (
      { accountId, name, url, seen, messages, events = [], ...poll }: FeedName & FeedValidators & {
        readonly nextAt: number;
        /** Keys of all entries that the feed has; absent if the server says that it has not changed. */
        readonly seen?: readonly string[];
        /** The messages about new entries, in order; each has a nonce of its own. */
        readonly messages: readonly Frozen[];
        /** New entries that an agent reads, as events (W2), in order; absent: none. */
        readonly events?: readonly NumberedEvent[];
      },
      now: number,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        forgetOfOther.run({ accountId, name, url });
        const { id } = ID.read(upsert({ ...poll, accountId, name, url, readAt: now }));
        for (const entryKey of seen ?? []) see({ feedRow: id, entryKey, seenAt: now });
        for (const message of messages) addOnce(message, now);
        addEvents(events, now);
        if (seen) prune.run({ id, now });
      }),
    /** Makes a feed due now. @returns Whether it was ever polled; else it is due anyway. */
    ask: (accountId: AccountId, name: string) =>
      commit(
        COMMIT_OPTIONS.BY_HAND,
        () => ask.run({ accountId, name }).changes > 0,
      ),
    fail: (feed: FeedName, problem: string, nextAt: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        fail({ ...feed, problem, nextAt, failures: 1 });
      }),
  };
}

export type Feeds = ReturnType<typeof createFeeds>;

/** The columns that are a `FeedState`. */
const STORED = FEED.pick(
  "accountId",
  "name",
  "url",
  "etag",
  "lastModified",
  "nextAt",
  "readAt",
  "failures",
  "problem",
);

interface FeedName {
  readonly accountId: AccountId;
  readonly name: string;
  readonly url: string;
}
