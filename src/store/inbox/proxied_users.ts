/**
 * Stores the users for whom PluralKit has posted. PluralKit may repeat their messages, so each
 * message waits a moment before it is answered (P13).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { ProxiedUsers } from "../../core/store/inbox.ts";

/** Number of users to keep of an account. */
const KEPT = 10_000;

const rowSchema = z
  .object({ user_id: snowflakeSchema<"user">() })
  .transform((row) => row.user_id);

/**
 * Creates the storage of such users.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createProxiedUsers(
  database: DatabaseSync,
  { commit, read }: Transactions,
): ProxiedUsers {
  const touch = database.prepare(
    `UPDATE proxied_user SET at = MAX(at, :now)
     WHERE account_id = :accountId AND user_id = :userId`,
  );
  const insert = database.prepare(
    "INSERT INTO proxied_user (account_id, user_id, at) VALUES (:accountId, :userId, :now)",
  );
  const prune = database.prepare(
    `DELETE FROM proxied_user WHERE account_id = :accountId AND user_id IN (
       SELECT user_id FROM proxied_user WHERE account_id = :accountId
       ORDER BY at DESC, user_id DESC LIMIT -1 OFFSET ${KEPT}
     )`,
  );
  const select = database.prepare(
    "SELECT user_id FROM proxied_user WHERE account_id = ? ORDER BY at DESC, user_id DESC",
  );
  return {
    noteProxied: (accountId, userId, now) =>
      commit(UNNAMED, () => {
        if (touch.run({ accountId, userId, now }).changes === 1) return;
        insert.run({ accountId, userId, now });
        prune.run({ accountId });
      }),
    proxied: (accountId) => read(() => select.all(accountId).map((row) => rowSchema.parse(row))),
  };
}
