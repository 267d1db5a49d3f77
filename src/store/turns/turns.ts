/**
 * `store.turns`: the transcript of a session and overheard messages, which a turn reads, the steps of
 * a turn (TS), and its end (T3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { type Context, type ContextDeps, createContext } from "./context.ts";
import { type AnswerThreads, createAnswerThreads } from "./answer_threads.ts";
import { createReactions, type Reactions } from "./reactions.ts";
import type { Transcripts } from "./transcripts.ts";
import { createSteps, type Steps } from "./steps.ts";
import { createTurnEnds, type TurnEnds, type TurnEndsDeps } from "./turn_ends.ts";

/** All methods of `store.turns`. */
export interface Turns extends AnswerThreads, Context, Reactions, Transcripts, Steps, TurnEnds {}

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createTurns(
  database: DatabaseSync,
  transactions: Transactions,
  deps: ContextDeps & TurnEndsDeps,
): Turns {
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
