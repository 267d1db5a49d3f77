/**
 * Parks turns whose calls wait for people.
 *
 * Steps, charges and questions are stored in one transaction, which also ends the claim. A crash
 * before it leaves a turn that asks again; a crash after it leaves a parked turn.
 */

import type { DatabaseSync } from "node:sqlite";
import { without } from "../memory/forgotten.ts";
import { isRunning } from "../memory/open_turns.ts";
import { MAX_OPEN_QUESTIONS, MAX_OPEN_REVIEWS } from "../../core/people/question.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";
import type { UsageRows } from "../usage/charges.ts";
import { COUNT } from "../schema/columns.ts";
import { QUESTION, SELECT_OPEN, STORED_QUESTION } from "../schema/questions.ts";
import type { ParkedTurns } from "../../core/store/questions.ts";
import { DAY_MS } from "../../lib/clock.ts";

/** How long decided questions are kept, for the log and for repeated presses. */
export const QUESTIONS_KEPT_MS = 30 * DAY_MS;

/** Maximum number of old questions that a new one deletes. */
const PRUNED_AT_ONCE = 16;

/**
 * Creates the storage of parked turns.
 *
 * The function is longer than most, because each statement and each method stands here once.
 */
export function createParking(
  database: DatabaseSync,
  { commit, read }: Transactions,
  { turns, apply, spent, forgotten }: Pick<Memory, "turns" | "apply" | "spent" | "forgotten">,
  usage: UsageRows,
): ParkedTurns {
  const insertSteps = prepareInsertSteps(database);
  // Waiting for people is no failed attempt. The first attempt stays counted: a later one knows by
  // that which messages belong to the turn.
  const unclaim = database.prepare(
    `UPDATE inbox SET state = 'waiting', attempt = MAX(attempt - 1, 1)
     WHERE (message_id = :messageId OR turn_of = :messageId) AND finished_at IS NULL`,
  );
  const insert = QUESTION.prepareInsert(database);
  const prune = [
    `DELETE FROM question WHERE id IN (
       SELECT id FROM question WHERE decided_at < ? ORDER BY decided_at LIMIT ${PRUNED_AT_ONCE})`,
    `DELETE FROM question_cover WHERE question_row NOT IN (SELECT id FROM question)`,
    `DELETE FROM question_card WHERE question_row NOT IN (SELECT id FROM question)`,
    `DELETE FROM question_control WHERE card_row NOT IN (SELECT id FROM question_card)`,
  ].map((sql) => database.prepare(sql));
  // A call may wait for the question of another one. The last such question counts.
  const cover = database.prepare(
    `INSERT OR REPLACE INTO question_cover (call_key, question_row)
     SELECT :covered, id FROM question WHERE call_key = :callKey`,
  );
  const select = database.prepare(
    `SELECT ${STORED_QUESTION.columns()} FROM question WHERE call_key = :callKey
     UNION ALL
     SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE id = (SELECT question_row FROM question_cover WHERE call_key = :callKey)
     LIMIT 1`,
  );
  const selectOpen = database.prepare(SELECT_OPEN);
  const count = database.prepare(
    `SELECT COUNT(*) AS count FROM question
     WHERE state = 'open' AND account_id = ? AND asker_id = ?`,
  );
  const countReviews = database.prepare(
    `SELECT COUNT(*) AS count FROM question
     WHERE state = 'open' AND account_id = ? AND question ->> '$.kind' = 'review'`,
  );
  /** Whether people have so many answers to check that this one would be too many. */
  const isFull = (accountId: string, kind: string) =>
    kind === "review" && COUNT.read(countReviews.get(accountId)).count >= MAX_OPEN_REVIEWS;

  return {
    async park({ claim, steps, charges, asked, now }) {
      const { message, attempt } = claim;
      const { id: messageId, accountId, channelId, guildId, sender } = message;
      const end = spent.begin(charges);
      try {
        await commit(COMMIT_OPTIONS.TS, () => {
          if (!isRunning(turns, claim)) {
            throw new Error(`The turn of message ${messageId} has ended`);
          }
          const people = forgotten.of(messageId); // the turn may have read words of theirs
          insertSteps({ accountId, messageId, attempt }, without(people, steps));
          usage.add({ charges });
          const [questions, ...parts] = prune;
          if (questions && questions.run(now - QUESTIONS_KEPT_MS).changes > 0) {
            for (const part of parts) part.run();
          }
          unclaim.run({ messageId });
          const open = COUNT.read(count.get(accountId, sender.id)).count;
          for (const [index, { callKey, code, question }] of without(people, asked).entries()) {
            const isTooMany = open + index >= MAX_OPEN_QUESTIONS ||
              isFull(accountId, question.kind);
            insert({
              accountId,
              messageId,
              channelId,
              guildId,
              askerId: sender.id,
              callKey,
              code,
              question,
              state: isTooMany ? "withdrawn" : "open",
              decidedAt: isTooMany ? now : undefined,
              createdAt: now,
              expiresAt: now + question.timeoutMs,
            });
            for (const covered of question.covers ?? []) cover.run({ covered, callKey });
          }
          return selectOpen.get(messageId) !== undefined;
        }, {
          onStored(waits) {
            apply({ kind: "parked", claim });
            if (!waits) apply({ kind: "resumed", turn: messageId });
          },
        });
        end(true);
      } catch (error) {
        end(false);
        throw error;
      }
    },
    decisionOf: (callKey) =>
      read(() => {
        const row = select.get({ callKey });
        if (!row) return undefined;
        const { state, answer = { choice: "" }, decidedBy, question } = STORED_QUESTION.read(row);
        const { kind: about, binding } = question;
        switch (state) {
          case "open":
            return undefined;
          case "answered":
            return { kind: state, answer, about, by: decidedBy, binding };
          case "expired":
          case "withdrawn":
            return { kind: state };
        }
      }),
  };
}
