/**
 * Records verdicts, a block for each transaction (T1).
 *
 * A verdict is the message's id and the row of `fact`, which messages share. A message has one
 * verdict (G7): it keeps the stored one, even if the gateway replays the message. The row is 0 if the
 * author is forgotten (X5).
 *
 * Most messages need no query to tell that they have no verdict on record. They arrive nearly in the
 * order in which they were sent. So memory keeps the newest ids on record, and the latest time at
 * which any other message on record was sent. A message that was sent after that time, and is not
 * among the ids, is new. For any other message, the store must read the tables.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { type AccountId, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { Judged, RepeatedVerdict } from "../../core/inbound/inbox.ts";
import type { FactRows } from "./fact_rows.ts";
import { integer, optional, rows } from "../schema/columns.ts";

/** The record of verdicts, changed within transactions of the caller's. */
export interface VerdictBlocks {
  /** Whether an account has a verdict on a message. */
  isOnRecord(message: Pick<Judged["message"], "accountId" | "id">): boolean;
  /** Whether memory proves that no account has a verdict on a message. */
  isNew(message: Pick<Judged["message"], "accountId" | "id">): boolean;
  /** Begins to record verdicts of one account; {@link VerdictRecording.end} stores them. */
  begin(accountId: AccountId, now: number): VerdictRecording;
  /** Replaces the verdict of a message, or records the first one. It becomes the newest verdict. */
  replace(judged: Judged, now: number): void;
  /** Removes the verdict of a message, if there is one. */
  remove(accountId: AccountId, id: MessageId): void;
  /** Forgets all memory, because a transaction was undone. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Verdicts of one account and one transaction. */
export interface VerdictRecording {
  /** Adds a verdict. Returns whether the message is new to the account; if not, nothing changes. */
  add(judged: Judged): boolean;
  /**
   * As {@link VerdictRecording.add}, for messages that share a verdict.
   *
   * @returns Those that are new.
   */
  repeat(repeated: RepeatedVerdict): RepeatedVerdict;
  /** Stores the added verdicts. */
  end(): void;
}

/** Maximum number of verdicts in a block: to find one, a reader parses all of its block. */
const BLOCK_MAX = 256;

const NEXT = rows({ next: integer() });
const NEWEST = rows({ sentTo: optional(integer()) });
const PLACE = rows({ block: integer(), place: integer() });

/** Prepares the statements for blocks. */
export function prepareVerdictBlocks(database: DatabaseSync, factRows: FactRows): VerdictBlocks {
  const sql = statementsOf(database);
  const selectNext = sql`SELECT id + count AS next FROM verdict_block
     WHERE id = (SELECT MAX(id) FROM verdict_block)`;
  const selectNewest = database.prepare(
    "SELECT MAX(sent_to) AS sent_to FROM verdict_block", // of any account, which an index tells
  );
  const insert = sql`
    INSERT INTO verdict_block (id, count, account_id, sent_from, sent_to, at, verdicts)
    VALUES (?, ?, ?, ?, ?, ?, ?)`;
  const stored = prepareStoredVerdicts(database);
  const recent = createRecentIds(() => NEWEST.read(selectNewest.get()).sentTo ?? -Infinity);
  /** Number of the next verdict; `undefined` until it is read. */
  let next: number | undefined;

  function nextNumber(): number {
    const row = selectNext.get();
    return row ? NEXT.read(row).next : 1;
  }

  function isKnown(accountId: AccountId, id: MessageId, sentAt: number): boolean {
    return recent.lookUp(accountId, id, sentAt) ?? stored.has(accountId, id, sentAt);
  }

  /** Gathers the verdicts of one block. */
  function openBlock(accountId: AccountId, now: number) {
    let verdicts: (readonly [MessageId, number])[] = [];
    let sentFrom = Infinity;
    let sentTo = -Infinity;

    function end(): void {
      const count = verdicts.length;
      if (count === 0) return;
      next ??= nextNumber();
      insert.run(next, count, accountId, sentFrom, sentTo, now, JSON.stringify(verdicts));
      next += count;
      verdicts = [];
      sentFrom = Infinity;
      sentTo = -Infinity;
    }

    return {
      put(id: MessageId, sentAt: number, factRow: number): void {
        verdicts.push([id, factRow]);
        sentFrom = Math.min(sentFrom, sentAt);
        sentTo = Math.max(sentTo, sentAt);
        recent.add(accountId, id, sentAt);
        if (verdicts.length >= BLOCK_MAX) end();
      },
      end,
    };
  }

  return {
    isNew: ({ accountId, id }) => recent.isNewToAll(accountId, id, createdAtMs(id)),
    isOnRecord: ({ accountId, id }) => isKnown(accountId, id, createdAtMs(id)),
    begin(accountId, now) {
      const block = openBlock(accountId, now);
      return {
        repeat({ judged, messages }) {
          let row: number | undefined;
          const added = messages.filter(({ id, sentAt }) => {
            if (isKnown(accountId, id, sentAt)) return false;
            block.put(id, sentAt, row ??= factRows.rowOf(judged));
            return true;
          });
          return { judged, messages: added };
        },
        add(judged) {
          const { id } = judged.message;
          const sentAt = createdAtMs(id);
          if (isKnown(accountId, id, sentAt)) return false;
          block.put(id, sentAt, factRows.rowOf(judged));
          return true;
        },
        end: block.end,
      };
    },
    replace(judged, now) {
      const { accountId, id } = judged.message;
      const block = openBlock(accountId, now);
      block.put(id, createdAtMs(id), factRows.rowOf(judged));
      // Before the new verdict is stored: later, this call would find that one.
      stored.remove(accountId, id);
      block.end();
    },
    remove(accountId, id) {
      stored.remove(accountId, id);
      recent.forget();
    },
    forget() {
      next = undefined;
      recent.forget();
    },
    bytes: recent.bytes,
  };
}

/** Finds stored verdicts by their messages. */
function prepareStoredVerdicts(database: DatabaseSync) {
  const sql = statementsOf(database);
  const selectPlace = sql`SELECT b.id AS block, v.key AS place
     FROM verdict_block AS b CROSS JOIN json_each(b.verdicts) AS v
     WHERE b.sent_to >= :sentAt AND b.sent_from <= :sentAt AND b.account_id = :accountId
       AND v.value ->> 0 = :id`;
  const blank = sql`UPDATE verdict_block
     SET verdicts = json_set(verdicts, '$[' || CAST(? AS INTEGER) || ']', NULL) -- bound as REAL
     WHERE id = ?`;
  const removeEmpty = sql`DELETE FROM verdict_block
     WHERE id = ? AND NOT EXISTS (SELECT 1 FROM json_each(verdicts) AS v WHERE v.type = 'array')`;

  function placeOf(accountId: AccountId, id: MessageId, sentAt: number) {
    const row = selectPlace.get({ accountId, id, sentAt });
    return row && PLACE.read(row);
  }

  return {
    /** @param sentAt Unix time in milliseconds, as the message's id says. */
    has: (accountId: AccountId, id: MessageId, sentAt: number): boolean =>
      placeOf(accountId, id, sentAt) !== undefined,
    remove(accountId: AccountId, id: MessageId): void {
      const position = placeOf(accountId, id, createdAtMs(id));
      if (!position) return;
      blank.run(position.place, position.block);
      removeEmpty.run(position.block);
    },
  };
}

/** Number of ids in a generation; an account has two generations. */
const GENERATION_MAX = 4_096;
/** Estimated bytes of an id. */
const ID_BYTES = 60;

interface AccountIds {
  /** No message that was sent later is on record without being in memory. */
  upTo: number;
  older: Generation;
  newer: Generation;
}

interface Generation {
  readonly ids: Set<MessageId>;
  /** When the newest of them was sent. */
  sentTo: number;
}

/**
 * Creates empty memory.
 *
 * @param max Ids of an account, half of the maximum.
 * @param readNewest When the newest message on record was sent; `-Infinity` if there is none.
 */
export function createRecentIds(readNewest: () => number, max = GENERATION_MAX) {
  const accounts = new Map<AccountId, AccountIds>();

  function idsOf(accountId: AccountId): AccountIds {
    let ids = accounts.get(accountId);
    if (!ids) {
      ids = { upTo: readNewest(), older: newGeneration(), newer: newGeneration() };
      accounts.set(accountId, ids);
    }
    return ids;
  }

  function find({ upTo, older, newer }: AccountIds, id: MessageId, sentAt: number) {
    if (newer.ids.has(id) || older.ids.has(id)) return true;
    return sentAt > upTo ? false : undefined;
  }

  return {
    /**
     * Looks for a message of one account.
     *
     * @returns Whether the message is on record; `undefined` if only the store knows.
     */
    lookUp: (accountId: AccountId, id: MessageId, sentAt: number): boolean | undefined =>
      find(idsOf(accountId), id, sentAt),
    /** Whether no account has the message on record; `false` if only the store knows. */
    isNewToAll(accountId: AccountId, id: MessageId, sentAt: number): boolean {
      // Reads the newest time on record. Accounts without ids here have recorded nothing since
      // then.
      idsOf(accountId);
      for (const ids of accounts.values()) if (find(ids, id, sentAt) !== false) return false;
      return true;
    },
    /** Notes that a message is on record now. */
    add(accountId: AccountId, id: MessageId, sentAt: number): void {
      const ids = idsOf(accountId);
      if (ids.newer.ids.size >= max) {
        ids.upTo = Math.max(ids.upTo, ids.older.sentTo);
        ids.older = ids.newer;
        ids.newer = newGeneration();
      }
      const { newer } = ids;
      newer.ids.add(id);
      if (sentAt > newer.sentTo) newer.sentTo = sentAt;
    },
    /** Forgets all ids; the store must then be read again. */
    forget: (): void => accounts.clear(),
    /** Estimated bytes of memory. */
    bytes(): number {
      let count = 0;
      for (const { older, newer } of accounts.values()) count += older.ids.size + newer.ids.size;
      return count * ID_BYTES;
    },
  };
}

function newGeneration(): Generation {
  return { ids: new Set(), sentTo: -Infinity };
}
