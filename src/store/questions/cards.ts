/**
 * Keeps the messages that show questions, and finds those that are out of date.
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date from
 * here. So a crash leaves no card with buttons of a decided question for long.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column, SELDOM_READ } from "../schema/columns.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { MAX_OFFERED } from "../../core/people/form.ts";
import { FILL_IN } from "../../core/people/question.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { OF_QUESTION, QUESTION_COLUMNS, readQuestion } from "./rows.ts";
import type { Cards } from "../../core/store/questions.ts";

const cardSchema = z.object({
  card_id: column.number,
  card_channel: snowflakeSchema<"channel">(),
  nonce: column.text,
  is_card: column.numberOrNull,
});
const formSchema = cardSchema.pick({ card_channel: true }).extend({ custom_id: column.text });
const idSchema = z.object({ id: column.number });
const nextSchema = z.object({ next: column.numberOrNull });

/**
 * Creates the storage of cards.
 *
 * The function is longer than most, because each statement and each method stands here once.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createCards(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
  outgoing: Outgoing,
  onDecided: () => void,
): Cards {
  const addOnce = prepareAddOnce(database, outgoing);
  const selectWithout = database.prepare(
    `SELECT ${QUESTION_COLUMNS} FROM question
     WHERE state = 'open' AND account_id = ? AND has_cards = 0 ORDER BY id`,
  );
  const markCarded = database.prepare(
    "UPDATE question SET has_cards = 1 WHERE id = ? AND has_cards = 0 AND state = 'open'",
  );
  const insertCard = database.prepare(
    `INSERT INTO question_card (question_row, account_id, channel_id, nonce)
     VALUES (?, ?, ?, ?) RETURNING id`,
  );
  const insertControl = database.prepare(
    "INSERT INTO question_control (custom_id, card_row, choice) VALUES (?, ?, ?)",
  );
  const selectOutdated = database.prepare(
    `SELECT c.id AS card_id, c.channel_id AS card_channel, c.nonce,
            (SELECT o.message ->> '$.card' IS NOT NULL FROM outbox AS o
             WHERE o.account_id = c.account_id AND o.nonce = c.nonce) AS is_card,
            ${OF_QUESTION}
     FROM question_card AS c CROSS JOIN question AS q
     WHERE c.is_settled = 0 AND c.account_id = ? AND q.id = c.question_row AND q.state <> 'open'
     ORDER BY c.id`,
  );
  const selectForms = database.prepare(
    `SELECT k.custom_id, c.channel_id AS card_channel, ${OF_QUESTION}
     FROM question AS q CROSS JOIN question_card AS c CROSS JOIN question_control AS k
     WHERE q.state = 'open' AND q.account_id = :accountId AND q.expires_at > :now
       AND c.question_row = q.id AND k.card_row = c.id AND k.choice = :choice
     ORDER BY q.id DESC LIMIT ${MAX_OFFERED}`,
  );
  const markSettled = database.prepare(
    "UPDATE question_card SET is_settled = 1 WHERE id = ? AND is_settled = 0",
  );
  const withdraw = database.prepare(
    "UPDATE question SET state = 'withdrawn', decided_at = ? WHERE id = ? AND state = 'open'",
  );
  const expire = database.prepare(
    `UPDATE question SET state = 'expired', decided_at = :now
     WHERE state = 'open' AND account_id = :accountId AND expires_at <= :now`,
  );
  const selectNext = database.prepare(
    "SELECT MIN(expires_at) AS next FROM question WHERE state = 'open' AND account_id = ?",
  );
  const selectWork = database.prepare(
    `SELECT EXISTS (SELECT 1 FROM question WHERE state = 'open' AND account_id = :accountId)
         OR EXISTS (SELECT 1 FROM question_card
                    WHERE is_settled = 0 AND account_id = :accountId) AS next`,
  );

  return {
    withoutCards: (accountId) => read(() => selectWithout.all(accountId).map(readQuestion)),
    addCards: (questionId, cards, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markCarded.run(questionId).changes === 0) return false;
        for (const { frozen, controls } of cards) {
          const { accountId, channelId, nonce } = frozen.message;
          addOnce(frozen, now);
          const { id } = idSchema.parse(insertCard.get(questionId, accountId, channelId, nonce));
          for (const { customId, choice } of controls) {
            insertControl.run(customId, id, choice);
          }
        }
        return true;
      }),
    outdated: (accountId) =>
      read(() =>
        selectOutdated.all(accountId).map((row) => {
          const { card_id: id, card_channel: channelId, nonce, is_card } = cardSchema.parse(row);
          return {
            id,
            channelId,
            nonce,
            question: readQuestion(row),
            isCard: is_card !== null ? is_card === 1 : undefined,
          };
        })
      ),
    settleCard: (id, frozen, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markSettled.run(id).changes > 0) addOnce(frozen, now);
      }),
    async withdraw(questionId, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => void withdraw.run(now, questionId));
      onDecided();
    },
    async expire(accountId, now) {
      if (
        await read(() =>
          (nextSchema.parse(selectNext.get(accountId), SELDOM_READ).next ?? Infinity) > now
        )
      ) {
        return 0;
      }
      const count = await commit(
        COMMIT_OPTIONS.BY_HAND,
        () => Number(expire.run({ accountId, now }).changes),
      );
      if (count > 0) onDecided();
      return count;
    },
    nextExpiry: (accountId) =>
      read(() => nextSchema.parse(selectNext.get(accountId), SELDOM_READ).next ?? undefined),
    openForms: (accountId, now) =>
      read(() =>
        selectForms.all({ accountId, now, choice: FILL_IN }).flatMap((row) => {
          const { custom_id: customId, card_channel: channelId } = formSchema.parse(row);
          const { question: { form, asked }, expiresAt } = readQuestion(row);
          return form ? [{ customId, channelId, asked, expiresAt, form }] : [];
        })
      ),
    hasWork: (accountId) =>
      read(() => nextSchema.parse(selectWork.get({ accountId }), SELDOM_READ).next === 1),
  };
}
