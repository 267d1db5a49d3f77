/**
 * `store.gateway`: the accounts with their gateway sessions, gaps, guilds and IDENTIFYs, and the
 * runs of the process.
 */

import { createGaps, createGatewaySessions, createRuns } from "./sessions.ts";
import {
  createAccounts,
  createDiscordAnswers,
  createGuilds,
  createIdentifies,
} from "./accounts.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { TABLES } from "../schema/tables.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruner } from "../messages/retention.ts";
import type { AccountId } from "../../core/discord/ids.ts";

export function createGateway(
  transactions: Transactions,
  pruner: Pruner,
  memory: Memory,
  elapsed: () => number,
  assertFileUnchanged: () => void,
) {
  return {
    ...createAccounts(transactions),
    ...createDiscordAnswers(transactions),
    ...createGaps(transactions),
    ...createGatewaySessions(transactions, pruner, elapsed, assertFileUnchanged),
    ...createGuilds(transactions),
    ...createIdentifies(transactions),
    ...createRuns(transactions),
    ...createStoreOwner(transactions, memory),
  };
}

export type GatewayRecords = ReturnType<typeof createGateway>;

/** The reason, for the operator, on records that a change of server or bot has ended. */
const OTHER_PEER = "the account has moved to another server or bot";

/**
 * Ties an account's stored data to one server and one bot.
 *
 * A session of the simulator must not be resumed at Discord. Messages from the simulator that wait
 * for a turn must not be answered at Discord, where other people would read the answers.
 *
 * @param memory Forgets everything: the tables of the account change.
 */
function createStoreOwner(
  { database, sql, commit, read }: Transactions,
  memory: Pick<Memory, "forget">,
) {
  const selectOther = sql`
    SELECT 1 FROM account WHERE account_id = ? AND peer IS NOT NULL AND peer <> ?`;
  const forget = TABLES.filter(({ isOfBot }) => isOfBot)
    .map(({ name }) => sql`DELETE FROM ${name} WHERE account_id = ?`);
  const giveUp = [
    // No person gets a notice, so there is no failure id. The turn ended when Barnacle last worked
    // on it.
    `UPDATE inbox
     SET state = 'failed', failure = :reason, finished_at = COALESCE(claimed_at, accepted_at)
     WHERE ${IS_OPEN} AND account_id = :accountId`,
    // The condition of an index of the open rows, which it repeats exactly.
    `UPDATE outbox SET state = 'dead', refusal = :reason
     WHERE state IN ('pending', 'sending', 'uncertain', 'dead') AND state <> 'dead'
       AND +account_id = :accountId`,
  ].map((sql) => database.prepare(sql));
  // Otherwise the record would show this verdict as pending for ever.
  const dropUndecided = [
    `DELETE FROM decision WHERE account_id = :accountId AND message_id IN (
       SELECT message_id FROM undecided WHERE account_id = :accountId)`,
    "DELETE FROM undecided WHERE account_id = :accountId",
  ].map((sql) => database.prepare(sql));
  const savePeer = sql`INSERT INTO account (account_id, peer) VALUES (?, ?)
     ON CONFLICT (account_id) DO UPDATE SET peer = excluded.peer`;

  return {
    /** Whether the account's stored data belongs to another server or bot. */
    isOtherPeer: (accountId: AccountId, peer: string) =>
      read(() => selectOther.get(accountId, peer) !== undefined),
    /**
     * Sets the server and bot of an account, before its data is read. Data from another server or bot
     * is deleted. Messages from there that wait for a turn, a decision or a send attempt are given
     * up. Another bot has a budget of IDENTIFYs of its own.
     *
     * Pairings and resolved names stay, because the people are the same. Open pairing requests do
     * not, because they belong to a chat with the other bot.
     *
     * @param peer Server and bot in one text without a secret.
     * @returns Whether it is another one than before.
     */
    adoptPeer: (accountId: AccountId, peer: string) =>
      commit(UNNAMED, () => {
        const isOther = selectOther.get(accountId, peer) !== undefined;
        if (isOther) {
          for (const statement of forget) statement.run(accountId);
          for (const statement of dropUndecided) statement.run({ accountId });
          for (const statement of giveUp) statement.run({ accountId, reason: OTHER_PEER });
          memory.forget();
        }
        savePeer.run(accountId, peer);
        return isOther;
      }),
  };
}
