/**
 * Messages that wait for their turn, and which of them is next.
 *
 * One process writes to a store (`host/lock.ts`), so a claim needs no lease: a
 * row that runs when a process starts was claimed by one that is dead.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId } from "../core/ids.ts";
import type { Claim, Route } from "../core/inbox.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { TERMS, UNNAMED } from "./terms.ts";
import type { Transactions } from "./transact.ts";

export interface Inbox {
  /**
   * T2: claims a waiting message of an account's, of a session in which no turn runs: of the session
   * whose message has waited longest, the one that was written first. Catch-up may bring it after a
   * later one. A session may be of several accounts, and has one turn all the same.
   *
   * @param now Unix time in milliseconds.
   * @param held Channels of which nothing is claimed, because older messages of them may be still
   * to come.
   */
  claimNext(
    accountId: AccountId,
    now: number,
    held: "all" | readonly ChannelId[],
  ): Promise<Claim | undefined>;
  /** Makes a message wait again whose turn could not be finished. */
  release(claim: Claim): Promise<void>;
  /**
   * Makes every running message wait again: of an account before its first claim, or of all that
   * there ever were before anybody's. Accounts share sessions, and a turn of one that is not there
   * any more would hold up the others for ever.
   *
   * @returns How many turns were left unfinished.
   */
  voidClaims(accountId?: AccountId): Promise<number>;
}

/**
 * Adds a message within a transaction of the caller's.
 *
 * @returns Whether it was new; the account that comes second leaves it to the first (G7).
 */
export type AddToInbox = (message: InboundMessage, route: Route, now: number) => boolean;

export function prepareAddToInbox(database: DatabaseSync): AddToInbox {
  const insert = database.prepare(
    `INSERT INTO inbox
       (message_id, account_id, channel_id, agent_id, session_key, message, accepted_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id) DO NOTHING`,
  );
  return (message, { agentId, sessionKey }, now) => {
    const { id, accountId, channelId } = message;
    const text = JSON.stringify(message);
    return insert.run(id, accountId, channelId, agentId, sessionKey, text, now).changes === 1;
  };
}

const rowSchema = z.object({
  agent_id: z.string(),
  session_key: z.string(),
  message: z.string(),
  attempt: z.number(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createInbox(database: DatabaseSync, { commit, read }: Transactions): Inbox {
  const isFree = `account_id = :accountId AND state = 'waiting'
    AND channel_id NOT IN (SELECT value FROM json_each(:held))`;
  const next = `SELECT id FROM inbox
    WHERE ${isFree} AND session_key = (
      SELECT session_key FROM inbox
      WHERE ${isFree} AND session_key NOT IN (
        SELECT session_key FROM inbox WHERE state = 'running'
      )
      ORDER BY id LIMIT 1
    )
    ORDER BY length(message_id), message_id LIMIT 1`;
  const selectNext = database.prepare(next);
  const claim = database.prepare(
    `UPDATE inbox SET state = 'running', attempt = attempt + 1, claimed_at = :now
     WHERE id = (${next})
     RETURNING agent_id, session_key, message, attempt`,
  );
  const release = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE message_id = ? AND attempt = ? AND state = 'running'`,
  );
  const voidClaims = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE state = 'running' AND (:accountId IS NULL OR account_id = :accountId)`,
  );

  return {
    async claimNext(accountId, now, held) {
      if (held === "all") return undefined;
      const channels = JSON.stringify(held);
      // Asked a lot, and mostly for nothing.
      if (!await read(() => selectNext.get({ accountId, held: channels }))) return undefined;
      return commit(TERMS.T2, () => {
        const row = claim.get({ accountId, now, held: channels });
        return row && toClaim(row);
      });
    },
    release: ({ message, attempt }) =>
      commit(UNNAMED, () => {
        release.run(message.id, attempt);
      }),
    voidClaims: (accountId) =>
      commit(UNNAMED, () => Number(voidClaims.run({ accountId: accountId ?? null }).changes)),
  };
}

function toClaim(row: unknown): Claim {
  const { agent_id, session_key, message, attempt } = rowSchema.parse(row);
  return {
    message: JSON.parse(message), // ours, written by `prepareAddToInbox`
    route: { agentId: agent_id, sessionKey: session_key },
    attempt,
  };
}
