/** `store.inbox`: messages from their arrival (T1) until a turn claims them (T2). */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { joinParts } from "../database/join_parts.ts";
import type { Transactions } from "../database/transact.ts";
import type { AnsweredPeople, Inbox, ProxiedUsers } from "../../core/store/inbox.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { UNNAMED } from "../database/durability.ts";
import type { SettleLater } from "../outbox/attempts.ts";
import { createBatches } from "./batches.ts";
import { createClaims } from "./claims.ts";
import type { InboxDeps } from "./store_batch.ts";
import { createStopTurns } from "./stops.ts";
import { createUndecided } from "./undecided.ts";

/** Creates the namespace. */
export function createInbox(
  database: DatabaseSync,
  transactions: Transactions,
  settleLater: SettleLater,
  deps: InboxDeps,
): Inbox {
  return joinParts(
    createAnsweredPeople(database, transactions),
    createBatches(database, transactions, settleLater, deps),
    createClaims(database, transactions, deps.memory, deps.inbox),
    createProxiedUsers(database, transactions),
    createStopTurns(database, transactions, deps.memory),
    createUndecided(database, transactions, deps),
  );
}

const rowSchema = z.object({ asker: snowflakeSchema<"user">() });

/** Finds the person for whom the bot posted a message: the person whom it answers, or who asked for it. */
function createAnsweredPeople(database: DatabaseSync, { read }: Transactions): AnsweredPeople {
  const select = database.prepare(
    `SELECT i.message ->> '$.sender.id' AS asker
     FROM outbox AS o CROSS JOIN inbox AS i
     WHERE o.message_id = :messageId AND o.account_id = :accountId AND i.message_id = o.cause_id
     UNION ALL
     SELECT asker_id AS asker FROM discord_post
     WHERE message_id = :messageId AND account_id = :accountId
     LIMIT 1`,
  );
  return {
    askerOf: (accountId, messageId) =>
      read(() => rowSchema.safeParse(select.get({ messageId, accountId })).data?.asker),
  };
}

/** Number of users to keep of an account. */
export const PROXIED_USERS_MAX = 10_000;

const proxiedSchema = z
  .object({ user_id: snowflakeSchema<"user">() })
  .transform((row) => row.user_id);

/**
 * Stores the users for whom PluralKit has posted. PluralKit may repeat their messages, so each
 * message waits a moment before it is answered (P13).
 */
function createProxiedUsers(database: DatabaseSync, { commit, read }: Transactions): ProxiedUsers {
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
       ORDER BY at DESC, user_id DESC LIMIT -1 OFFSET ${PROXIED_USERS_MAX}
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
    proxied: (accountId) =>
      read(() => select.all(accountId).map((row) => proxiedSchema.parse(row))),
  };
}
