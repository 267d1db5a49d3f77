/**
 * Keeps the messages that show questions, and finds those that are out of date.
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date from
 * here. So a crash leaves no card with buttons of a decided question for long.
 */

import type { DatabaseSync } from "node:sqlite";
import { MAX_OFFERED } from "../../core/people/form.ts";
import { FILL_IN, offeredCall } from "../../core/people/question.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { flag, integer, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import {
  CALL_OF_QUESTION,
  CUT_RUNS,
  QUESTION_CARD,
  QUESTION_CONTROL,
  STORED_QUESTION,
} from "../schema/questions.ts";
import type { OnDecided } from "./decisions.ts";
import type { Cards } from "../../core/store/questions.ts";

const CARD = rows({
  cardId: integer(),
  cardChannel: snowflake<"channel">(),
  nonce: text(),
  isCard: optional(flag()),
  runLabel: optional(text()),
  runState: optional(oneOf("running", "done", "failed", "unknown")),
  runOutcome: optional(text()),
  runBy: optional(snowflake<"user">()),
  runStarted: optional(integer()),
  callKey: text(),
  hasBegun: flag(),
  isOver: flag(),
});
const FORM = rows({ customId: text(), cardChannel: snowflake<"channel">() });
const ID = rows({ id: integer() });
const OF_TURN = rows({ messageId: snowflake<"message">() });
const toMessageId = (row: unknown) => OF_TURN.read(row).messageId;
const NEXT = rows({ next: optional(integer()) });

/**
 * Creates the storage of cards.
 *
 * The function is longer than most, because each statement and each method stands here once.
 */
export function createCards(
  database: DatabaseSync,
  { commit, read }: Transactions,
  outgoing: Outgoing,
  onDecided: OnDecided,
): Cards {
  const addOnce = prepareAddOnce(database, outgoing);
  const selectWithout = database.prepare(
    `SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE state = 'open' AND account_id = ? AND has_cards = 0 ORDER BY id`,
  );
  const markCarded = database.prepare(
    "UPDATE question SET has_cards = 1 WHERE id = ? AND has_cards = 0 AND state = 'open'",
  );
  const insertCard = QUESTION_CARD.prepareInsert(database, "RETURNING id");
  const insertControl = QUESTION_CONTROL.prepareInsert(database);
  const selectOutdated = database.prepare(
    `SELECT c.id AS card_id, c.channel_id AS card_channel, c.nonce,
            (SELECT o.message ->> '$.card' IS NOT NULL FROM outbox AS o
             WHERE o.account_id = c.account_id AND o.nonce = c.nonce) AS is_card,
            r.label AS run_label, r.state AS run_state, r.outcome AS run_outcome,
            r.started_at AS run_started, r.by_user AS run_by,
            ${CALL_OF_QUESTION} AS call_key,
            EXISTS (SELECT 1 FROM action_run AS b WHERE b.call_key = ${CALL_OF_QUESTION})
              AS has_begun,
            NOT EXISTS (SELECT 1 FROM inbox AS i
                        WHERE i.message_id = q.message_id AND i.finished_at IS NULL) AS is_over,
            ${STORED_QUESTION.columns("q")}
     FROM question_card AS c CROSS JOIN question AS q
       LEFT JOIN action_run AS r ON r.call_key = ${CALL_OF_QUESTION} AND r.state <> 'running'
     WHERE c.is_settled = 0 AND c.account_id = ? AND q.id = c.question_row AND q.state <> 'open'
     ORDER BY c.id`,
  );
  const selectForms = database.prepare(
    `SELECT k.custom_id, c.channel_id AS card_channel, ${STORED_QUESTION.columns("q")}
     FROM question AS q CROSS JOIN question_card AS c CROSS JOIN question_control AS k
     WHERE q.state = 'open' AND q.account_id = :accountId AND q.expires_at > :now
       AND c.question_row = q.id AND k.card_row = c.id AND k.choice = :choice
     ORDER BY q.id DESC LIMIT ${MAX_OFFERED}`,
  );
  const markSettled = database.prepare(
    `UPDATE question_card SET is_settled = :isLast WHERE id = :id AND is_settled = 0
       AND :hasRun = EXISTS (SELECT 1 FROM question AS q CROSS JOIN action_run AS r
         WHERE q.id = question_row AND r.call_key = ${CALL_OF_QUESTION} AND r.state <> 'running')`,
  );
  const selectIsOpen = database.prepare("SELECT 1 FROM question WHERE id = ? AND state = 'open'");
  const withdraw = database.prepare(
    `UPDATE question SET state = 'withdrawn', decided_at = ? WHERE id = ? AND state = 'open'
     RETURNING message_id`,
  );
  const expire = database.prepare(
    `UPDATE question SET state = 'expired', decided_at = :now
     WHERE state = 'open' AND account_id = :accountId AND expires_at <= :now
     RETURNING message_id`,
  );
  const selectNext = database.prepare(
    "SELECT MIN(expires_at) AS next FROM question WHERE state = 'open' AND account_id = ?",
  );
  const selectWork = database.prepare(
    `SELECT EXISTS (SELECT 1 FROM question WHERE state = 'open' AND account_id = :accountId)
         OR EXISTS (SELECT 1 FROM question_card
                    WHERE is_settled = 0 AND account_id = :accountId)
         OR EXISTS (SELECT 1 FROM ${CUT_RUNS} WHERE r.account_id = :accountId) AS next`,
  );

  return {
    withoutCards: (accountId) => read(() => selectWithout.all(accountId).map(STORED_QUESTION.read)),
    addCards: (questionId, cards, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markCarded.run(questionId).changes === 0) return false;
        for (const { frozen, controls } of cards) {
          const { accountId, channelId, nonce } = frozen.message;
          addOnce(frozen, now);
          const { id } = ID.read(
            insertCard({ questionRow: questionId, accountId, channelId, nonce }),
          );
          for (const { customId, choice } of controls) {
            insertControl({ customId, cardRow: id, choice });
          }
        }
        return true;
      }),
    outdated: (accountId) =>
      read(() =>
        selectOutdated.all(accountId).map((row) => {
          const { cardId: id, cardChannel: channelId, nonce, isCard, ...ran } = CARD.read(row);
          const { runLabel: label, runState: state, runStarted: startedAt = 0 } = ran;
          const run = label !== undefined && state !== undefined
            ? { label, state, outcome: ran.runOutcome, byUser: ran.runBy, startedAt }
            : undefined;
          const question = STORED_QUESTION.read(row);
          const pressed = !ran.hasBegun && offeredCall(question)
            ? { callKey: ran.callKey, isLost: ran.isOver }
            : undefined;
          return { id, channelId, nonce, question, isCard, run, pressed };
        })
      ),
    settleCard: ({ id, run, pressed }, frozen, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const mark = { id, hasRun: run ? 1 : 0, isLast: pressed ? 0 : 1 };
        if (markSettled.run(mark).changes > 0) addOnce(frozen, now);
      }),
    addWaitingLine: (questionId, frozen, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (selectIsOpen.get(questionId)) addOnce(frozen, now);
      }),
    async withdraw(questionId, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => withdraw.all(now, questionId).map(toMessageId), {
        onStored: onDecided,
      });
    },
    async expire(accountId, now) {
      if (await read(() => (NEXT.read(selectNext.get(accountId)).next ?? Infinity) > now)) {
        return 0;
      }
      const expired = await commit(
        COMMIT_OPTIONS.BY_HAND,
        () => expire.all({ accountId, now }).map(toMessageId),
        { onStored: onDecided },
      );
      return expired.length;
    },
    nextExpiry: (accountId) => read(() => NEXT.read(selectNext.get(accountId)).next),
    openForms: (accountId, now) =>
      read(() =>
        selectForms.all({ accountId, now, choice: FILL_IN }).flatMap((row) => {
          const { customId, cardChannel: channelId } = FORM.read(row);
          const { question: { form, asked }, expiresAt } = STORED_QUESTION.read(row);
          return form ? [{ customId, channelId, asked, expiresAt, form }] : [];
        })
      ),
    hasWork: (accountId) => read(() => NEXT.read(selectWork.get({ accountId })).next === 1),
  };
}
