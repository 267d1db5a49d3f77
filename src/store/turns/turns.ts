/**
 * `store.turns`: the transcript of a session and overheard messages, which a turn reads, the steps of
 * a turn (TS), and its end (T3).
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { createContext } from "./context.ts";
import { createReactions } from "./reactions.ts";
import { createPassedTurns } from "./passed_turns.ts";
import { createSteps, createTurnEnds, type TurnTables } from "./turn_ends.ts";
import type { Memory } from "../memory/memory.ts";
import type { Pruner } from "../received/retention.ts";
import type { TranscriptRows } from "./transcripts.ts";
import type { AnswerThreadRows, TurnRecords } from "../../core/store/turns.ts";
import type { AnswerThread } from "../../core/inbound/threads.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { UNNAMED } from "../database/durability.ts";
import { optional, rows, text } from "../schema/columns.ts";
import { ANSWER_THREAD } from "../schema/threads.ts";

/** Creates the namespace. */
export function createTurns(
  database: DatabaseSync,
  transactions: Transactions,
  memory: Memory,
  pruner: Pruner,
  transcripts: TranscriptRows,
  tables: TurnTables,
): TurnRecords {
  const { entriesOf } = transcripts;
  return joinParts(
    createContext(database, transactions, memory, pruner),
    createAnswerThreads(database, transactions),
    createReactions(database, transactions, memory),
    { entriesOf },
    createSteps(database, transactions, memory, tables),
    createTurnEnds(database, transactions, memory, transcripts, tables),
    createPassedTurns(database, transactions, memory, transcripts, tables.usage),
  );
}

/** Maximum number of threads of an account; older ones continue with mentions only. */
export const THREADS_MAX = 5_000;

const THREAD = ANSWER_THREAD.pick("threadId", "channelId", "askerId", "title", "state");
/** A thread has the id of the message whose answer opened it. */
const AGENT = rows({ agentId: optional(text()) });
const SELECT_THREAD = `SELECT ${THREAD.columns()},
  (SELECT agent_id FROM inbox WHERE message_id = answer_thread.thread_id) AS agent_id
  FROM answer_thread`;

const toThread = (row: unknown): AnswerThread => ({ ...THREAD.read(row), ...AGENT.read(row) });

/**
 * Stores the threads that answers open (S7).
 *
 * The row comes before the request to Discord. So a turn that a crash repeats asks for the same
 * thread, and messages in it are recognized.
 */
function createAnswerThreads(
  database: DatabaseSync,
  { commit, readUnjournaled }: Transactions,
): AnswerThreadRows {
  const selectNewest = database.prepare(
    `${SELECT_THREAD}
     WHERE account_id = ? AND has_asker = 1 AND state <> 'refused' ORDER BY at DESC LIMIT ?`,
  );
  const selectOne = database.prepare(
    `${SELECT_THREAD} WHERE account_id = ? AND thread_id = ?`,
  );
  const insert = ANSWER_THREAD.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const end = database.prepare(
    "UPDATE answer_thread SET state = ? WHERE account_id = ? AND thread_id = ?",
  );
  const setAsker = database.prepare(
    "UPDATE answer_thread SET has_asker = ? WHERE account_id = ? AND thread_id = ?",
  );
  const prune = database.prepare(
    `DELETE FROM answer_thread WHERE account_id = :accountId AND at < (
       SELECT at FROM answer_thread WHERE account_id = :accountId
       ORDER BY at DESC LIMIT 1 OFFSET ${THREADS_MAX}
     )`,
  );
  return {
    answerThreads: (accountId, limit) =>
      readUnjournaled(() => selectNewest.all(accountId, limit).map(toThread).reverse()),
    answerThread: (accountId, threadId) =>
      readUnjournaled(() => {
        const row = selectOne.get(accountId, threadId);
        return row && toThread(row);
      }),
    beginThread: (accountId, thread, now) =>
      commit(UNNAMED, () => {
        insert({ ...thread, accountId, title: withoutControls(thread.title), at: now });
        prune.run({ accountId });
      }),
    endThread: (accountId, threadId, state) =>
      commit(UNNAMED, () => void end.run(state, accountId, threadId)),
    setAskerIn: (accountId, threadId, isIn) =>
      commit(UNNAMED, () => void setAsker.run(isIn ? 1 : 0, accountId, threadId)),
  };
}
