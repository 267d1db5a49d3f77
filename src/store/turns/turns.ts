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
import type { Transcripts } from "./transcripts.ts";
import { createSteps, type Steps } from "./steps.ts";
import { createTurnEnds, type TurnEnds, type TurnEndsDeps } from "./turn_ends.ts";

/** All methods of `store.turns`. */
export interface Turns extends Context, Transcripts, Steps, TurnEnds {}

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
    { entriesOf },
    createSteps(database, transactions, deps.memory),
    createTurnEnds(database, transactions, deps),
  );
}
