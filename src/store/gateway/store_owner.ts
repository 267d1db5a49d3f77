/**
 * Which server and which bot all that is stored of an account is of.
 *
 * A session of the simulator's must not be resumed at Discord, and what waits
 * there for a turn must not be answered here: to strangers, if to anybody.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Memory } from "../memory/memory.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { VerdictBlocks } from "../received/verdict_blocks.ts";

export interface StoreOwner {
  /** Whether what is stored of an account is of another server or bot. */
  isOtherPeer(accountId: AccountId, peer: string): Promise<boolean>;
  /**
   * Says whom the account talks to, before anything is read of it. What is known
   * from another server, or of another bot, is forgotten, and what waits there for a
   * turn, to be decided or to be sent, is over. Another bot has a budget of IDENTIFYs of its own.
   * Who is paired stays so, and names stay the ids that they were found to be, for people are the
   * same; only who waits to be paired does so in a chat with the other bot.
   *
   * @param peer Server and bot in one text without a secret.
   * @returns Whether it is another than before.
   */
  adoptPeer(accountId: AccountId, peer: string): Promise<boolean>;
}

export interface StoreOwnerDeps {
  readonly verdicts: Pick<VerdictBlocks, "remove">;
  /** Forgets all that is in memory: the tables of the account change. */
  readonly memory: Pick<Memory, "forget">;
}

/** For the operator, at what is over because the account talks to another server or bot now. */
const OTHER_PEER = "the account has moved to another server or bot";

const undecidedSchema = z.object({ message_id: snowflakeSchema<"message">() });

/** @param database Open, migrated, and owned by the caller. */
export function createStoreOwner(
  database: DatabaseSync,
  { commit, read }: Transactions,
  { verdicts, memory }: StoreOwnerDeps,
): StoreOwner {
  const selectOther = database.prepare(
    "SELECT 1 FROM account WHERE account_id = ? AND peer IS NOT NULL AND peer <> ?",
  );
  const forget = [
    "account",
    "gateway_session",
    "guild",
    "identify",
    "direct_channel",
    "parked_channel",
    "pairing_request",
  ].map((table) => database.prepare(`DELETE FROM ${table} WHERE account_id = ?`));
  // Both by an index of the open rows: its condition must be in the statement as the index has it.
  const giveUp = [
    // Nobody is told, so there is no failure id; it was over when it was last looked at.
    `UPDATE inbox
     SET state = 'failed', failure = :reason, finished_at = COALESCE(claimed_at, accepted_at)
     WHERE finished_at IS NULL AND state IN ('waiting', 'running') AND account_id = :accountId`,
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE state IN ('pending', 'sending', 'uncertain', 'dead') AND state <> 'dead'
       AND +account_id = :accountId`,
  ].map((sql) => database.prepare(sql));
  // A verdict that nothing will ever come of would be on record as one that is still to come.
  const takeUndecided = database.prepare(
    "DELETE FROM undecided WHERE account_id = ? RETURNING message_id",
  );
  const savePeer = database.prepare(
    `INSERT INTO account (account_id, peer) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET peer = excluded.peer`,
  );

  return {
    isOtherPeer: (accountId, peer) => read(() => selectOther.get(accountId, peer) !== undefined),
    adoptPeer: (accountId, peer) =>
      commit(UNNAMED, () => {
        const isOther = selectOther.get(accountId, peer) !== undefined;
        if (isOther) {
          for (const statement of forget) statement.run(accountId);
          for (const row of takeUndecided.all(accountId)) {
            verdicts.remove(accountId, undecidedSchema.parse(row).message_id);
          }
          for (const statement of giveUp) statement.run({ accountId, reason: OTHER_PEER });
          memory.forget();
        }
        savePeer.run(accountId, peer);
        return isOther;
      }),
  };
}
