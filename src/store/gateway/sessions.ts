/**
 * The gateway session of each shard, and that there is a gap before it.
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
import type { AccountId } from "../../core/discord/ids.ts";
import type { GatewaySession, Self } from "../../core/inbound/inbound.ts";
import type { Pruner } from "../received/retention.ts";
import { prepareTouchRun } from "./runs.ts";
import { TERMS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** A shard by which the gateway was heard, and when: Unix time in milliseconds. */
export interface Heard {
  readonly shardId: number;
  readonly heardAt: number;
}

export interface GatewaySessions {
  /**
   * T0: a new session of a shard, who we are in it, and, unless it is the shard's first, that what
   * came before it may have been missed.
   *
   * @param arrivedAt Unix time in milliseconds at which Discord began it.
   */
  startSession(
    accountId: AccountId,
    shardId: number,
    session: GatewaySession,
    self: Self,
    arrivedAt: number,
  ): Promise<void>;
  /** Notes with which intents sessions are begun from now on, so that none of others is resumed. */
  saveIntents(accountId: AccountId, bits: number): Promise<void>;
  /**
   * Notes by which shards the gateway is heard: a session is resumed only for so long after; and
   * that this run of the process lives. It takes one step of pruning along.
   *
   * @param now Unix time in milliseconds.
   * @param isProbe Whether it shows that the disk takes writes: it waits for the disk then.
   * @returns Milliseconds that it took to commit.
   * @throws {StoreError} `gone`, if the file was removed or replaced; else as each commit does.
   */
  touchAlive(
    accountId: AccountId,
    heard: readonly Heard[],
    now: number,
    isProbe?: boolean,
  ): Promise<number>;
}

export interface GatewaySessionsDeps {
  readonly pruner: Pruner;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  /** @throws {StoreError} `gone`, if the file was removed or replaced. */
  readonly assertThere: () => void;
}

/** How far a batch goes. */
export interface Progress {
  readonly shardId: number;
  readonly seq: number;
  /** Unix time in milliseconds of its newest message; 0 without one. */
  readonly storedUpTo: number;
  /** Unix time in milliseconds at which it arrived. */
  readonly heardAt: number;
}

/**
 * Notes within a transaction of the caller's what is stored now. Nothing ever goes back, but for a
 * `stored_up_to` that a clock which was ahead has put where no message can be: a gap from there on
 * would be empty.
 */
export type AdvanceSession = (accountId: AccountId, progress: Progress) => void;

/**
 * By how much, in milliseconds, a message that has only just come may be older than what is stored:
 * Discord is late at times, and has no order between the channels of a shard.
 */
export const LATE_MS = 60_000;

/** How old `ready_at` may be, in milliseconds, before a batch writes it anew. */
const READY_STEP_MS = 60_000;

export function prepareAdvanceSession(database: DatabaseSync): AdvanceSession {
  const advance = database.prepare(
    `UPDATE gateway_session
     SET seq = MAX(seq, :seq), -- MAX() of NULL is NULL: without a session no seq
         stored_up_to = IIF(:storedUpTo > 0 AND :storedUpTo < stored_up_to - ${LATE_MS},
                            :storedUpTo, MAX(stored_up_to, :storedUpTo)),
         alive_at = MAX(alive_at, :heardAt)
     WHERE account_id = :accountId AND shard_id = :shardId`,
  );
  const saveReady = database.prepare(
    `UPDATE account SET ready_at = :heardAt
     WHERE account_id = :accountId AND COALESCE(ready_at, 0) < :heardAt - ${READY_STEP_MS}`,
  );
  return (accountId, { shardId, seq, storedUpTo, heardAt }) => {
    advance.run({ accountId, shardId, seq, storedUpTo, heardAt });
    saveReady.run({ accountId, heardAt });
  };
}

/** @param database Open, migrated, and owned by the caller. */
export function createGatewaySessions(
  database: DatabaseSync,
  { commit }: Transactions,
  { pruner, elapsed, assertThere }: GatewaySessionsDeps,
): GatewaySessions {
  const saveSelf = database.prepare(
    `INSERT INTO account (account_id, user_id, application_id, username, ready_at)
     VALUES (:accountId, :userId, :applicationId, :username, :arrivedAt)
     ON CONFLICT (account_id) DO UPDATE SET
       user_id = excluded.user_id,
       application_id = excluded.application_id,
       username = excluded.username,
       ready_at = excluded.ready_at`,
  );
  // What stands right of an equals sign is the row as it was: a shard without a session and without
  // a gap has missed nothing yet.
  const start = database.prepare(
    `INSERT INTO gateway_session (
       account_id, shard_id, session_id, resume_url, seq, started_at, alive_at, stored_up_to
     ) VALUES (
       :accountId, :shardId, :sessionId, :resumeUrl, :seq, :arrivedAt, :arrivedAt, :arrivedAt
     )
     ON CONFLICT (account_id, shard_id) DO UPDATE SET
       session_id = excluded.session_id,
       resume_url = excluded.resume_url,
       seq = excluded.seq,
       started_at = excluded.started_at,
       alive_at = excluded.alive_at,
       catch_up_from = COALESCE(catch_up_from, IIF(session_id IS NULL, NULL, stored_up_to)),
       lost_at = IIF(COALESCE(session_id, catch_up_from) IS NULL, NULL, :arrivedAt),
       has_hole = 0`,
  );
  const touch = database.prepare(
    `UPDATE gateway_session SET alive_at = MAX(alive_at, ?)
     WHERE account_id = ? AND shard_id = ?`,
  );
  // Whatever is heard, and however the clock stands, something changes: SQLite writes no row that
  // stays as it is, and a commit that writes nothing waits for no disk.
  const probe = database.prepare(
    `INSERT INTO account (account_id, probes) VALUES (?, 1)
     ON CONFLICT (account_id) DO UPDATE SET probes = COALESCE(probes, 0) + 1`,
  );
  const touchRun = prepareTouchRun(database);
  const saveIntents = database.prepare(
    `INSERT INTO account (account_id, intents) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET intents = excluded.intents`,
  );

  return {
    startSession: (accountId, shardId, session, self, arrivedAt) =>
      commit(TERMS.T0, () => {
        const { userId, applicationId, username } = self;
        saveSelf.run({ accountId, userId, applicationId, username, arrivedAt });
        const { sessionId, resumeUrl, seq } = session;
        start.run({ accountId, shardId, sessionId, resumeUrl, seq, arrivedAt });
      }),
    saveIntents: (accountId, bits) =>
      commit(UNNAMED, () => {
        saveIntents.run(accountId, bits);
      }),
    async touchAlive(accountId, heard, now, isProbe = false) {
      assertThere();
      const begun = elapsed();
      await commit(isProbe ? TERMS.PROBE : UNNAMED, () => {
        for (const { shardId, heardAt } of heard) touch.run(heardAt, accountId, shardId);
        // A session that is heard says that the run lives, too: one page is written, not two.
        if (!heard.some(({ heardAt }) => heardAt === now)) touchRun(now);
        if (isProbe) probe.run(accountId);
        pruner.step(now);
      });
      return elapsed() - begun;
    },
  };
}
