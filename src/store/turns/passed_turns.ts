/**
 * Passes a turn on to another agent (N4).
 *
 * One transaction ends the turn of the one agent and routes its messages to the other. So a crash
 * neither loses the turn nor lets both agents answer.
 */

import type { DatabaseSync } from "node:sqlite";
import type { PassedTurns } from "../../core/store/turns.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { isRunning } from "../memory/open_turns.ts";
import { prepareRemoveDrafts } from "../outbox/turn_outbox.ts";
import type { UsageRows } from "../usage/charges.ts";
import type { TranscriptRows } from "./transcripts.ts";
import { prepareInsertSteps } from "./turn_ends.ts";

/** Creates the storage of turns that are passed on. */
export function createPassedTurns(
  database: DatabaseSync,
  { commit }: Transactions,
  { turns, apply, spent, outgoing }: Pick<Memory, "turns" | "apply" | "spent" | "outgoing">,
  transcripts: TranscriptRows,
  usage: UsageRows,
): PassedTurns {
  const insertSteps = prepareInsertSteps(database);
  const removeDrafts = prepareRemoveDrafts(database, outgoing);
  // To pass a turn on is no failed attempt. The first attempt stays counted: the next one knows by
  // that that there are steps.
  const route = database.prepare(
    `UPDATE inbox SET state = 'waiting', attempt = MAX(attempt - 1, 1),
                      agent_id = :agentId, session_key = :sessionKey
     WHERE (message_id = :messageId OR turn_of = :messageId) AND finished_at IS NULL`,
  );
  return {
    async passOn({ claim, to, steps, charges, entries: written, now }) {
      const { message: { id: messageId, accountId, channelId }, attempt } = claim;
      const { agentId, sessionKey } = claim.route;
      const entries = written.map((entry) => ({ ...entry, text: withoutControls(entry.text) }));
      const counted = spent.begin(charges);
      const remember = transcripts.storing(sessionKey);
      try {
        const hasDrafts = await commit(COMMIT_OPTIONS.TS, () => {
          if (!isRunning(turns, claim)) {
            throw new Error(`The turn of message ${messageId} has ended`);
          }
          insertSteps({ accountId, messageId, attempt }, steps);
          usage.add({ charges });
          transcripts.insert({ agentId, sessionKey, channelId }, entries);
          route.run({ ...to, messageId });
          return removeDrafts({ accountId, messageId, agentId }, now);
        }, {
          onStored() {
            remember(entries);
            apply({ kind: "passed", claim, route: to });
          },
        });
        counted(true);
        return hasDrafts;
      } catch (error) {
        counted(false);
        throw error;
      }
    },
  };
}
