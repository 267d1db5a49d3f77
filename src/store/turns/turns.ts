/**
 * `store.turns`: the transcript of a session and overheard messages, which a turn reads, the steps of
 * a turn (TS), and its end (T3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { type ContextDeps, createContext } from "./context.ts";
import { createAnswerThreads } from "./answer_threads.ts";
import { createReactions } from "./reactions.ts";
import { createSteps } from "./steps.ts";
import { createTurnEnds, type TurnEndsDeps } from "./turn_ends.ts";
import type { TurnRecords } from "../../core/store/turns.ts";

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createTurns(
  database: DatabaseSync,
  transactions: Transactions,
  deps: ContextDeps & TurnEndsDeps,
): TurnRecords {
  const { entriesOf } = deps.transcripts;
  return joinParts(
    createContext(database, transactions, deps),
    createAnswerThreads(database, transactions),
    createReactions(database, transactions, deps.memory),
    { entriesOf },
    createSteps(database, transactions, deps.memory),
    createTurnEnds(database, transactions, deps),
  );
}
