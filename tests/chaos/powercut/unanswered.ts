/**
 * Tells the store's record of questions without an answer, to show at which step each of them is.
 */

import { DatabaseSync } from "node:sqlite";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { createStore } from "../../../src/store/store.ts";
import type { Question } from "./judge.ts";

/**
 * Describes questions: `q0047. (first message of a new user): not stored`.
 *
 * @param path Path of the database, which no bot uses.
 */
export async function describeUnanswered(
  path: string,
  questions: readonly Question[],
): Promise<string> {
  const database = new DatabaseSync(path);
  try {
    const store = createStore(database, path, { elapsed: () => 0 });
    const lines = questions.map(async ({ messageId, words, isFirstDirect }) => {
      const id = parseSnowflake<"message">(messageId);
      const record = id && await store.messages.messageRecordOf({ messageId: id });
      const whose = isFirstDirect ? " (first message of a new user)" : "";
      if (!record) return `${words}${whose}: not stored`;
      const { decisions, turn, outbox } = record;
      const facts = {
        decisions: decisions.map(({ verdict, why }) => `${verdict}: ${why}`),
        turn: turn && `${turn.state}, attempt ${turn.attempt}`,
        outbox: outbox.map(({ state }) => state),
      };
      return `${words}${whose}: ${JSON.stringify(facts)}`;
    });
    return (await Promise.all(lines)).join("; ");
  } finally {
    database.close();
  }
}
