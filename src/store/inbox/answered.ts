/**
 * Finds the person for whom the bot posted a message: the person whom it answers, or who asked for it.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";
import type { AnsweredPeople } from "../../core/store/inbox.ts";

const rowSchema = z.object({ asker: snowflakeSchema<"user">() });

/**
 * Creates the reader.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAnsweredPeople(
  database: DatabaseSync,
  { read }: Pick<Transactions, "read">,
): AnsweredPeople {
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
