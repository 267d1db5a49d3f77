/**
 * Finds the person whom one of the bot's messages answers.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, MessageId, UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Transactions } from "../database/transact.ts";

/** Finds people by the bot's messages. */
export interface AnsweredPeople {
  /**
   * The sender of the message whose turn has posted this one; `undefined` if no turn has, or if the
   * store has forgotten it.
   */
  askerOf(accountId: AccountId, messageId: MessageId): Promise<UserId | undefined>;
}

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
     WHERE o.message_id = ? AND o.account_id = ? AND i.message_id = o.cause_id`,
  );
  return {
    askerOf: (accountId, messageId) =>
      read(() => rowSchema.safeParse(select.get(messageId, accountId)).data?.asker),
  };
}
