/**
 * Ties an account's stored data to one server and one bot.
 *
 * A session of the simulator must not be resumed at Discord. Messages from the simulator that wait
 * for a turn must not be answered at Discord, where other people would read the answers.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Memory } from "../memory/memory.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { VerdictBlocks } from "../received/verdict_blocks.ts";
import { HOOK_TABLES } from "../schema/outside.ts";
import { KNOWN_TABLES } from "../schema/received.ts";
import { DECLARED } from "../schema/schema_1.ts";
import type { StoreOwner } from "../../core/store/gateway.ts";

/** The reason, for the operator, on records that a change of server or bot has ended. */
const OTHER_PEER = "the account has moved to another server or bot";

const undecidedSchema = z.object({ message_id: snowflakeSchema<"message">() });

/**
 * Creates the check.
 *
 * @param verdicts Loses the verdicts of messages that stay undecided.
 * @param memory Forgets everything: the tables of the account change.
 */
export function createStoreOwner(
  database: DatabaseSync,
  { commit, read }: Transactions,
  verdicts: Pick<VerdictBlocks, "remove">,
  memory: Pick<Memory, "forget">,
): StoreOwner {
  const selectOther = database.prepare(
    "SELECT 1 FROM account WHERE account_id = ? AND peer IS NOT NULL AND peer <> ?",
  );
  const forget = [
    "parked_channel",
    "fileless_channel",
    "reaction",
    "told_full",
    ...[...DECLARED, ...KNOWN_TABLES, ...HOOK_TABLES].filter(({ isOfBot }) => isOfBot).map((
      { name },
    ) => name),
  ].map((table) => database.prepare(`DELETE FROM ${table} WHERE account_id = ?`));
  // Both statements use an index of the open rows, so they repeat the index's condition exactly.
  const giveUp = [
    // No person gets a notice, so there is no failure id. The turn ended when Barnacle last worked
    // on it.
    `UPDATE inbox
     SET state = 'failed', failure = :reason, finished_at = COALESCE(claimed_at, accepted_at)
     WHERE finished_at IS NULL AND state IN ('waiting', 'running') AND account_id = :accountId`,
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE state IN ('pending', 'sending', 'uncertain', 'dead') AND state <> 'dead'
       AND +account_id = :accountId`,
  ].map((sql) => database.prepare(sql));
  // Otherwise the record would show this verdict as pending for ever.
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
