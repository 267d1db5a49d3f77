/**
 * Tells without a query that a message has no verdict on record.
 *
 * Messages arrive nearly in the order in which they were sent. So memory keeps the newest ids on
 * record, and the latest time at which any other message on record was sent. A message that was
 * sent after that time, and is not among the ids, is new. For any other message, the store must
 * read the tables.
 *
 * @module
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";

/**
 * Ids of messages with a verdict on record. `sentAt` is Unix time in milliseconds, as the id says.
 */
export interface RecentIds {
  /**
   * Looks for a message of one account.
   *
   * @returns Whether the message is on record; `undefined` if only the store knows.
   */
  lookUp(accountId: AccountId, id: MessageId, sentAt: number): boolean | undefined;
  /** Whether no account has the message on record; `false` if only the store knows. */
  isNewToAll(accountId: AccountId, id: MessageId, sentAt: number): boolean;
  /** Notes that a message is on record now. */
  add(accountId: AccountId, id: MessageId, sentAt: number): void;
  /** Forgets all ids; the store must then be read again. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
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
export function createRecentIds(
  readNewest: () => number,
  max = GENERATION_MAX,
): RecentIds {
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
    lookUp: (accountId, id, sentAt) => find(idsOf(accountId), id, sentAt),
    isNewToAll(accountId, id, sentAt) {
      // Reads the newest time on record. Accounts without ids here have recorded nothing since
      // then.
      idsOf(accountId);
      for (const ids of accounts.values()) if (find(ids, id, sentAt) !== false) return false;
      return true;
    },
    add(accountId, id, sentAt) {
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
    forget: () => accounts.clear(),
    bytes() {
      let count = 0;
      for (const { older, newer } of accounts.values()) count += older.ids.size + newer.ids.size;
      return count * ID_BYTES;
    },
  };
}

function newGeneration(): Generation {
  return { ids: new Set(), sentTo: -Infinity };
}
