/**
 * `store.turns`: what a turn reads (the transcript of its session, overheard messages) and how it
 * ends (T3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import { type Context, type ContextDeps, createContext } from "./context.ts";
import type { Transcripts } from "./transcripts.ts";
import { createTurnEnds, type TurnEnds, type TurnEndsDeps } from "./turn_ends.ts";

export interface Turns extends Context, Transcripts, TurnEnds {}

/** @param database Open, migrated, and owned by the caller. */
export function createTurns(
  database: DatabaseSync,
  transactions: Transactions,
  deps: ContextDeps & TurnEndsDeps,
): Turns {
  const { entriesOf } = deps.transcripts;
  return joinParts(
    createContext(database, transactions, deps),
    { entriesOf },
    createTurnEnds(database, transactions, deps),
  );
}
