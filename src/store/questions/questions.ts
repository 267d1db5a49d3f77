/**
 * `store.questions`: questions to people, the turns that wait for them, and their cards (A1, T10).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { createCards } from "./cards.ts";
import { createDecisions } from "./decisions.ts";
import { createExecRules } from "./exec_rules.ts";
import { createParking } from "./parking.ts";
import type { Questions } from "../../core/store/questions.ts";

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createQuestions(
  database: DatabaseSync,
  transactions: Transactions,
  memory: Memory,
): Questions {
  // The tables tell which turns wait now.
  const onDecided = () => memory.claims.forget();
  return joinParts(
    createParking(database, transactions, memory),
    createCards(database, transactions, memory.outgoing, onDecided),
    createDecisions(database, transactions, onDecided),
    createExecRules(database, transactions),
  );
}
