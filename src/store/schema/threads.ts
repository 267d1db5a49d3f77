/** The table of the threads that answers open (S7). */

import {
  account,
  type DeclaredTable,
  flag,
  initially,
  integer,
  oneOf,
  snowflake,
  table,
  text,
} from "./columns.ts";

/** A thread of an answer. */
export const ANSWER_THREAD = table("answer_thread", {
  accountId: account(),
  threadId: snowflake<"channel">(), // also the id of the message that it starts from
  channelId: snowflake<"channel">(), // of that message
  askerId: snowflake<"user">(), // its author
  hasAsker: initially(flag(), true), // false: the author has left the thread
  title: text(),
  state: oneOf(
    "opening", // Discord may have it
    "open",
    "refused", // the answer is in the channel
  ),
  at: integer(),
}, {
  key: ["accountId", "threadId"],
  sql: "CREATE INDEX answer_thread_newest ON answer_thread (account_id, at);",
  isOfBot: true,
  forgets: { delete: "asker_id = :userId" }, // the title has words of theirs
});

/** The tables of this topic. */
export const THREAD_TABLES: readonly DeclaredTable[] = [ANSWER_THREAD];
