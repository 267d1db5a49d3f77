/**
 * Records verdicts: one row for each message and account, within transactions of the caller's (T1).
 *
 * A message has one verdict (G7): it keeps the stored one, even if the gateway replays the message.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { factsOf } from "../../core/inbound/facts.ts";
import type { Judged } from "../../core/inbound/inbox.ts";

export function prepareVerdictRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const row = `INTO decision (message_id, account_id, channel_id, author_id, verdict, why, rule,
      policy_row, facts, at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const insert = sql`INSERT ${row} ON CONFLICT (message_id, account_id) DO NOTHING`;
  const insertAnew = sql`INSERT OR REPLACE ${row}`;
  // The inbox keeps its messages for longer.
  const select = sql`SELECT 1 FROM decision WHERE message_id = :id
    UNION ALL SELECT 1 FROM inbox WHERE message_id = :id LIMIT 1`;
  const selectOf = sql`SELECT 1 FROM decision WHERE message_id = ? AND account_id = ?`;

  function columnsOf(judged: Judged, now: number) {
    const { message, verdict, policyVerdict, knownFacts = {}, policyId = null, command } = judged;
    const { id, accountId, channelId, sender } = message;
    const { kind, why, rule } = verdict;
    const facts = JSON.stringify(factsOf(message, knownFacts, verdict, policyVerdict, command));
    return [id, accountId, channelId, sender.id, kind, why, rule, policyId, facts, now] as const;
  }

  return {
    isOnRecord: ({ id, accountId }: Pick<Judged["message"], "accountId" | "id">): boolean =>
      selectOf.get(id, accountId) !== undefined,
    /** Whether no account has a message on record. */
    isNew: ({ id }: Pick<Judged["message"], "id">): boolean => select.get({ id }) === undefined,
    /** Records a verdict. Returns whether the message is new to the account; if not, nothing changes. */
    add: (judged: Judged, now: number): boolean =>
      insert.run(...columnsOf(judged, now)).changes === 1,
    /** Replaces the verdict of a message, or records the first one. It becomes the newest verdict. */
    replace: (judged: Judged, now: number): void => void insertAnew.run(...columnsOf(judged, now)),
  };
}
