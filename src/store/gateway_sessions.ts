/**
 * The gateway session of each account, and the gap before it that is still to
 * be caught up.
 *
 * That there is a gap is stored with the session that opened it (T0), not
 * remembered: a process that dies before it has caught up would resume happily
 * and never fetch what it missed. Where the gap begins is stored with it and
 * stays until it is closed; live messages move `stored_up_to` past it, and a
 * second lost session must not move the start of the first.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../core/ids.ts";
import type { GatewaySession, Self } from "../core/inbound.ts";
import type { Pruner } from "./retention.ts";
import { TERMS, UNNAMED } from "./terms.ts";
import type { Transactions } from "./transact.ts";

export interface GatewaySessions {
  /**
   * T0: a new session, who we are in it, and, unless it is the account's first, that what came
   * before it may have been missed.
   *
   * @param arrivedAt Unix time in milliseconds at which Discord began it.
   */
  startGatewaySession(
    accountId: AccountId,
    session: GatewaySession,
    self: Self,
    arrivedAt: number,
  ): Promise<void>;
  /**
   * Notes that the gateway is heard: a session is resumed only for so long
   * after. It is also the probe that the disk takes writes, and takes one step
   * of pruning along.
   *
   * @param now Unix time in milliseconds.
   * @returns Milliseconds that it took to commit.
   */
  touchAlive(accountId: AccountId, now: number): Promise<number>;
}

export interface GatewaySessionsDeps {
  readonly pruner: Pruner;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
}

/** How far a batch goes. */
export interface Progress {
  readonly seq: number;
  /** Unix time in milliseconds of its newest message; 0 without one. */
  readonly storedUpTo: number;
  /** Unix time in milliseconds at which it arrived. */
  readonly heardAt: number;
}

/** Notes within a transaction of the caller's what is stored now; nothing ever goes back. */
export type AdvanceSession = (accountId: AccountId, progress: Progress) => void;

export function prepareAdvanceSession(database: DatabaseSync): AdvanceSession {
  const advance = database.prepare(
    `UPDATE gateway_session
     SET seq = MAX(seq, ?), stored_up_to = MAX(stored_up_to, ?), alive_at = MAX(alive_at, ?)
     WHERE account_id = ?`, // MAX() of NULL is NULL: without a session there is no seq
  );
  return (accountId, { seq, storedUpTo, heardAt }) => {
    advance.run(seq, storedUpTo, heardAt, accountId);
  };
}

/** @param database Open, migrated, and owned by the caller. */
export function createGatewaySessions(
  database: DatabaseSync,
  { commit }: Transactions,
  { pruner, elapsed }: GatewaySessionsDeps,
): GatewaySessions {
  const saveSelf = database.prepare(
    `INSERT INTO account (account_id, user_id, application_id, username)
     VALUES (:accountId, :userId, :applicationId, :username)
     ON CONFLICT (account_id) DO UPDATE SET
       user_id = excluded.user_id,
       application_id = excluded.application_id,
       username = excluded.username`,
  );
  const selectSelf = database.prepare(
    "SELECT 1 FROM account WHERE account_id = ? AND user_id IS NOT NULL",
  );
  const start = database.prepare(
    `INSERT INTO gateway_session (
       account_id, session_id, resume_url, seq, started_at, alive_at,
       stored_up_to, catch_up_from
     ) VALUES (
       :accountId, :sessionId, :resumeUrl, :seq, :arrivedAt, :arrivedAt, :arrivedAt,
       IIF(:hasGap, :arrivedAt, NULL)
     )
     ON CONFLICT (account_id) DO UPDATE SET
       session_id = excluded.session_id,
       resume_url = excluded.resume_url,
       seq = excluded.seq,
       started_at = excluded.started_at,
       alive_at = excluded.alive_at,
       catch_up_from = COALESCE(catch_up_from, IIF(:hasGap, stored_up_to, NULL))`,
  );
  const touch = database.prepare(
    `INSERT INTO gateway_session (account_id, alive_at, stored_up_to)
     VALUES (:accountId, :now, :now)
     ON CONFLICT (account_id) DO UPDATE SET alive_at = MAX(alive_at, excluded.alive_at)`,
  );

  return {
    startGatewaySession: (accountId, { sessionId, resumeUrl, seq }, self, arrivedAt) =>
      commit(TERMS.T0, () => {
        const { userId, applicationId, username } = self;
        const hasGap = selectSelf.get(accountId) ? 1 : 0; // the first session follows no other
        saveSelf.run({ accountId, userId, applicationId, username });
        start.run({ accountId, sessionId, resumeUrl, seq, arrivedAt, hasGap });
      }),
    async touchAlive(accountId, now) {
      const begun = elapsed();
      await commit(UNNAMED, () => {
        touch.run({ accountId, now });
        pruner.step(now);
      });
      return elapsed() - begun;
    },
  };
}
