/**
 * Commands that a person has allowed for good (A2).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { ExecRule } from "../../core/exec/command.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { ExecRules } from "../../core/store/questions.ts";

const rowSchema = z.object({
  path: z.string(),
  content_hash: z.string(),
  cwd: z.string(),
  files_hash: z.string(),
  args: z.string(),
}).transform((row): ExecRule => ({
  path: row.path,
  contentHash: row.content_hash,
  cwd: row.cwd,
  filesHash: row.files_hash,
  args: JSON.parse(row.args),
  isPattern: false,
}));

/**
 * Creates the storage of rules.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createExecRules(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
): ExecRules {
  const select = database.prepare(
    "SELECT path, content_hash, cwd, files_hash, args FROM exec_rule WHERE agent_id = ? ORDER BY id",
  );
  const insert = database.prepare(
    `INSERT OR IGNORE INTO exec_rule (agent_id, path, content_hash, cwd, files_hash, args,
                                      allowed_by, allowed_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    execRules: (agentId) => read(() => select.all(agentId).map((row) => rowSchema.parse(row))),
    addExecRule: (agentId, { path, contentHash, cwd, filesHash, args }, by, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        insert.run(
          agentId,
          path,
          contentHash,
          cwd,
          filesHash,
          JSON.stringify(args),
          by ?? null,
          now,
        );
      }),
  };
}
