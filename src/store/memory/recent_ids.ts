/**
 * Knows without a query that a message has no verdict on record.
 *
 * Messages arrive nearly in the order in which they were sent. So the newest ids on record are kept
 * in memory, and up to when the messages that are not kept were sent. A message that was sent later
 * and is not among them is new. For any other the store must look.
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
  look(accountId: AccountId, id: MessageId, sentAt: number): boolean | undefined;
  /** Whether no account has the message on record; `false` if only the store knows. */
  isNewToAll(accountId: AccountId, id: MessageId, sentAt: number): boolean;
  /** Notes that a message is on record now. */
  add(accountId: AccountId, id: MessageId, sentAt: number): void;
  /** Forgets all ids; the store must then be read again. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Ids of an account: twice as many at most. */
const GENERATION_MAX = 4_096;
/** Bytes of one, about. */
const ID_BYTES = 60;

interface Known {
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
  const accounts = new Map<AccountId, Known>();

  function knownOf(accountId: AccountId): Known {
    let known = accounts.get(accountId);
    if (!known) {
      known = { upTo: readNewest(), older: newGeneration(), newer: newGeneration() };
      accounts.set(accountId, known);
    }
    return known;
  }

  function look({ upTo, older, newer }: Known, id: MessageId, sentAt: number) {
    if (newer.ids.has(id) || older.ids.has(id)) return true;
    return sentAt > upTo ? false : undefined;
  }

  return {
    look: (accountId, id, sentAt) => look(knownOf(accountId), id, sentAt),
    isNewToAll(accountId, id, sentAt) {
      knownOf(accountId); // an account that is not here has recorded nothing since this was read
      for (const known of accounts.values()) if (look(known, id, sentAt) !== false) return false;
      return true;
    },
    add(accountId, id, sentAt) {
      const known = knownOf(accountId);
      if (known.newer.ids.size >= max) {
        known.upTo = Math.max(known.upTo, known.older.sentTo);
        known.older = known.newer;
        known.newer = newGeneration();
      }
      const { newer } = known;
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
