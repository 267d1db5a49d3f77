/**
 * Stores the threads that answers open (S7).
 *
 * The row comes before the request to Discord. So a turn that a crash repeats asks for the same
 * thread, and messages in it are recognized.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { AccountId, ChannelId, UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { AnswerThread } from "../../core/inbound/threads.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { AnswerThreadRows } from "../../core/store/turns.ts";

/** Maximum number of threads of an account; older ones continue with mentions only. */
const THREADS_MAX = 5_000;

const rowSchema = z.object({
  thread_id: snowflakeSchema<"channel">(),
  channel_id: snowflakeSchema<"channel">(),
  asker_id: snowflakeSchema<"user">(),
  title: column.text,
  state: z.enum(["opening", "open", "refused"]),
});

/**
 * Creates the storage of threads.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createAnswerThreads(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
): AnswerThreadRows {
  const columns = "thread_id, channel_id, asker_id, title, state";
  const selectNewest = database.prepare(
    `SELECT ${columns} FROM answer_thread
     WHERE account_id = ? AND has_asker = 1 AND state <> 'refused' ORDER BY at DESC LIMIT ?`,
  );
  const selectOne = database.prepare(
    `SELECT ${columns} FROM answer_thread WHERE account_id = ? AND thread_id = ?`,
  );
  const insert = database.prepare(
    `INSERT INTO answer_thread (account_id, ${columns}, at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const end = database.prepare(
    "UPDATE answer_thread SET state = ? WHERE account_id = ? AND thread_id = ?",
  );
  const setAsker = database.prepare(
    "UPDATE answer_thread SET has_asker = ? WHERE account_id = ? AND thread_id = ?",
  );
  const prune = database.prepare(
    `DELETE FROM answer_thread WHERE account_id = :accountId AND at < (
       SELECT at FROM answer_thread WHERE account_id = :accountId
       ORDER BY at DESC LIMIT 1 OFFSET ${THREADS_MAX}
     )`,
  );
  return {
    answerThreads: (accountId, limit) =>
      readUnjournaled(() => selectNewest.all(accountId, limit).map(toThread).reverse()),
    answerThread: (accountId, threadId) =>
      readUnjournaled(() => {
        const row = selectOne.get(accountId, threadId);
        return row && toThread(row);
      }),
    beginThread: (accountId, { threadId, channelId, askerId, title, state }, now) =>
      commit(UNNAMED, () => {
        const kept = withoutControls(title);
        insert.run(accountId, threadId, channelId, askerId, kept, state, now);
        prune.run({ accountId });
      }),
    endThread: (accountId, threadId, state) =>
      commit(UNNAMED, () => void end.run(state, accountId, threadId)),
    setAskerIn: (accountId: AccountId, threadId: ChannelId, isIn: boolean) =>
      commit(UNNAMED, () => void setAsker.run(isIn ? 1 : 0, accountId, threadId)),
  };
}

function toThread(row: unknown): AnswerThread {
  const { thread_id, channel_id, asker_id, ...rest } = rowSchema.parse(row);
  const askerId: UserId = asker_id;
  return { threadId: thread_id, channelId: channel_id, askerId, ...rest };
}
