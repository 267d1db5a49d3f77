/**
 * `store.questions`: questions to people, the turns that wait for them, and their cards (A1, T10).
 */

import type { DatabaseSync } from "node:sqlite";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import type { UsageRows } from "../usage/charges.ts";
import { createCards } from "./cards.ts";
import { createDecisions, type OnDecided } from "./decisions.ts";
import { createParking } from "./parking.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import { EXEC_RULE, SELECT_OPEN } from "../schema/questions.ts";
import type { ExecRules, Questions } from "../../core/store/questions.ts";

/** Creates the namespace. */
export function createQuestions(
  database: DatabaseSync,
  transactions: Transactions,
  memory: Memory,
  usage: UsageRows,
): Questions {
  const selectOpen = database.prepare(SELECT_OPEN);
  const onDecided: OnDecided = (messageIds) => {
    for (const turn of messageIds) {
      if (!selectOpen.get(turn)) memory.apply({ kind: "resumed", turn });
    }
  };
  return joinParts(
    createParking(database, transactions, memory, usage),
    createCards(database, transactions, memory.outgoing, onDecided),
    createDecisions(database, transactions, onDecided),
    createExecRules(database, transactions),
  );
}

/** Commands that a person has allowed for good (A2). */
function createExecRules(database: DatabaseSync, { commit, read }: Transactions): ExecRules {
  const select = database.prepare("SELECT * FROM exec_rule WHERE agent_id = ? ORDER BY id");
  const insert = EXEC_RULE.prepareInsert(database, "ON CONFLICT DO NOTHING");
  return {
    execRules: (agentId) =>
      read(() => select.all(agentId).map((row) => ({ ...RULE.read(row), isPattern: false }))),
    addExecRule: (agentId, { path, contentHash, cwd, filesHash, args }, allowedBy, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        insert({ agentId, path, contentHash, cwd, filesHash, args, allowedBy, allowedAt: now });
      }),
  };
}

const RULE = EXEC_RULE.pick("path", "contentHash", "cwd", "filesHash", "args");
