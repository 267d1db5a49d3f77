/**
 * `store.received`: the record of received messages. It has their verdicts, the policies behind
 * these, the messages sent for each, and the direct channels that they came from.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Policies, Received } from "../../core/store/received.ts";
import { column } from "../schema/columns.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { UNNAMED } from "../database/durability.ts";
import { createDecisions, createMessageRecords } from "./message_record.ts";
import { createDirectChannels } from "./direct_channels.ts";
import { createRecentTalk } from "./recent_talk.ts";
import { createRecentTurns } from "./recent_turns.ts";
import type { Retention } from "./retention.ts";

/** Creates the namespace. */
export function createReceived(
  database: DatabaseSync,
  transactions: Transactions,
  retention: Retention,
): Received {
  return joinParts(
    createDecisions(database, transactions),
    createDirectChannels(database, transactions),
    createMessageRecords(database, transactions),
    createRecentTurns(database, transactions),
    createRecentTalk(database, transactions),
    createPolicies(database, transactions, retention),
  );
}

/** Number of policies that an account keeps, regardless of their age. */
export const POLICIES_KEPT = 50;
/** Maximum number of policies of an account, even if stored decisions refer to more. */
export const POLICIES_MAX = 200;

const idSchema = z.object({ id: column.number });

/**
 * Stores the policies that have judged messages: their config without secrets, and the names that
 * were resolved at the time. A decision names its policy. So `barnacle why` can explain it by the
 * policy of its time, not by today's (P1).
 *
 * @param decisionsDays How long (days) decisions are kept; 0 is for ever.
 */
function createPolicies(
  database: DatabaseSync,
  { commit }: Transactions,
  { decisionsDays }: { readonly decisionsDays: number },
): Policies {
  const upsert = database.prepare(
    `INSERT INTO policy (account_id, hash, file, text, names, made_at, used_at)
     VALUES (:accountId, :hash, :file, :text, :names, :now, :now)
     ON CONFLICT (account_id, hash) DO UPDATE SET used_at = MAX(used_at, excluded.used_at)
     RETURNING id`,
  );
  // A policy was in force until the next one replaced it, and has judged no message since.
  const prune = database.prepare(
    `DELETE FROM policy WHERE id IN (
       SELECT id FROM (
         SELECT id, ROW_NUMBER() OVER newest_first AS place,
                LAG(used_at) OVER newest_first AS replaced_at
         FROM policy WHERE account_id = :accountId
         WINDOW newest_first AS (ORDER BY used_at DESC, id DESC)
       )
       WHERE id <> :id
         AND (place > ${POLICIES_MAX} OR (place > ${POLICIES_KEPT} AND replaced_at < :before))
     )`,
  );
  return {
    savePolicy: ({ accountId, hash, file, text, names }, now) =>
      commit(UNNAMED, () => { // no wait for the disk: its decisions follow it in the same log
        const { id } = idSchema.parse(upsert.get({
          accountId,
          hash,
          file: file ?? null,
          text: text ?? null,
          names: JSON.stringify(names),
          now,
        }));
        const before = decisionsDays === 0 ? 0 : now - decisionsDays * DAY_MS;
        prune.run({ accountId, id, before });
        return id;
      }),
  };
}
