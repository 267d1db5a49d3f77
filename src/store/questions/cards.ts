/**
 * Keeps the messages that show questions, and finds those that are out of date.
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date from
 * here. So a crash leaves no card with buttons of a decided question for long.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { MAX_OFFERED } from "../../core/people/form.ts";
import { FILL_IN, offeredCall } from "../../core/people/question.ts";
import type { ActionRuns, Cards } from "../../core/store/questions.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import {
  COUNT,
  flag,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import {
  ACTION_RUN,
  CALL_OF_QUESTION,
  CUT_RUNS,
  QUESTION_CARD,
  QUESTION_CONTROL,
  STORED_QUESTION,
} from "../schema/people.ts";

/** Called with the messages of parked turns that lack one open question now. */
export type OnDecided = (messageIds: readonly MessageId[]) => void;

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
const REASON = rows({ parkedReason: text() });
const FORM = rows({ customId: text(), cardChannel: snowflake<"channel">() });
const ID = rows({ id: integer() });
const OF_TURN = rows({ messageId: snowflake<"message">() });
const toMessageId = (row: unknown) => OF_TURN.read(row).messageId;
const NEXT = rows({ next: optional(integer()) });

/**
 * Creates the storage of cards. The function is longer than most, because each statement and each
 * method stands here once.
 */
export function createCards(
  { database, sql, commit, read }: Transactions,
  outgoing: Outgoing,
  onDecided: OnDecided,
): Cards {
  const addOnce = prepareAddOnce(database, outgoing);
  const selectWithout = sql.rows(STORED_QUESTION.read)`
    SELECT ${STORED_QUESTION.columns()} FROM question
    WHERE state = 'open' AND account_id = ? AND has_cards = 0 ORDER BY id`;
  const selectUndeliverable = sql.rows((row) => ({
    question: STORED_QUESTION.read(row),
    reason: REASON.read(row).parkedReason,
  }))`
    SELECT ${STORED_QUESTION.columns("q")}, MIN(p.reason) AS parked_reason
    FROM question AS q CROSS JOIN question_card AS c
      LEFT JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
        AND o.state IN ('pending', 'sending')
      LEFT JOIN parked_channel AS p ON p.account_id = c.account_id AND p.channel_id = c.channel_id
        AND p.is_parked = 1 AND c.channel_id <> q.channel_id
    WHERE q.state = 'open' AND q.account_id = ? AND c.question_row = q.id
    GROUP BY q.id HAVING COUNT(*) = COUNT(o.id) AND COUNT(*) = COUNT(p.channel_id)
    ORDER BY q.id`;
  const markCarded = sql`
    UPDATE question SET has_cards = 1 WHERE id = ? AND has_cards = 0 AND state = 'open'`;
  const insertCard = QUESTION_CARD.prepareInsert(database, "RETURNING id");
  const insertControl = QUESTION_CONTROL.prepareInsert(database);
  const selectOutdated = sql`SELECT c.id AS card_id, c.channel_id AS card_channel, c.nonce,
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
     ORDER BY c.id`;
  const selectForms = sql`
    SELECT k.custom_id, c.channel_id AS card_channel, ${STORED_QUESTION.columns("q")}
    FROM question AS q CROSS JOIN question_card AS c CROSS JOIN question_control AS k
    WHERE q.state = 'open' AND q.account_id = :accountId AND q.expires_at > :now
      AND c.question_row = q.id AND k.card_row = c.id AND k.choice = :choice
    ORDER BY q.id DESC LIMIT ${MAX_OFFERED}`;
  const markSettled = sql`
    UPDATE question_card SET is_settled = :isLast WHERE id = :id AND is_settled = 0
      AND :hasRun = EXISTS (SELECT 1 FROM question AS q CROSS JOIN action_run AS r
        WHERE q.id = question_row AND r.call_key = ${CALL_OF_QUESTION} AND r.state <> 'running')`;
  const selectIsOpen = sql`SELECT 1 FROM question WHERE id = ? AND state = 'open'`;
  const withdraw = sql`
    UPDATE question SET state = 'withdrawn', decided_at = ? WHERE id = ? AND state = 'open'
    RETURNING message_id`;
  const expire = sql`UPDATE question SET state = 'expired', decided_at = :now
     WHERE state = 'open' AND account_id = :accountId AND expires_at <= :now
     RETURNING message_id`;
  const selectNext = sql.rows(NEXT.read)`
    SELECT MIN(expires_at) AS next FROM question WHERE state = 'open' AND account_id = ?`;
  const selectWork = sql.rows(NEXT.read)`
    SELECT EXISTS (SELECT 1 FROM question WHERE state = 'open' AND account_id = :accountId)
        OR EXISTS (SELECT 1 FROM question_card
                   WHERE is_settled = 0 AND account_id = :accountId)
        OR EXISTS (SELECT 1 FROM ${CUT_RUNS} WHERE r.account_id = :accountId) AS next`;

  return {
    undeliverable: (accountId) => read(() => selectUndeliverable.all(accountId)),
    withoutCards: (accountId) => read(() => selectWithout.all(accountId)),
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
      if (await read(() => (selectNext.one(accountId).next ?? Infinity) > now)) {
        return 0;
      }
      const expired = await commit(
        COMMIT_OPTIONS.BY_HAND,
        () => expire.all({ accountId, now }).map(toMessageId),
        { onStored: onDecided },
      );
      return expired.length;
    },
    nextExpiry: (accountId) => read(() => selectNext.one(accountId).next),
    openForms: (accountId, now) =>
      read(() =>
        selectForms.all({ accountId, now, choice: FILL_IN }).flatMap((row) => {
          const { customId, cardChannel: channelId } = FORM.read(row);
          const { question: { form, asked }, expiresAt } = STORED_QUESTION.read(row);
          return form ? [{ customId, channelId, asked, expiresAt, form }] : [];
        })
      ),
    hasWork: (accountId) => read(() => selectWork.one({ accountId }).next === 1),
  };
}

/** How long runs are kept, as the questions that offered them. */
export const ACTION_RUNS_KEPT_MS = 30 * DAY_MS;

const RUN = ACTION_RUN.pick("label", "rule", "state", "outcome", "byUser", "startedAt");
const LAST = ACTION_RUN.pick("messageId", "state", "startedAt");
const CUT = rows({ callKey: text(), message: json<InboundMessage>() });

/**
 * `store.actions`: runs of offered actions (T16).
 *
 * A run is stored before it begins. So a crash leaves a run without an end, whose outcome is unknown,
 * and never a second run.
 */
export function createActionRuns(
  { database, sql, commit, read }: Transactions,
  outgoing: Outgoing,
): ActionRuns {
  const addOnce = prepareAddOnce(database, outgoing);
  const insert = ACTION_RUN.prepareInsert(
    database,
    "ON CONFLICT (call_key) DO NOTHING RETURNING id",
  );
  const prune = sql`DELETE FROM action_run WHERE started_at < ?`;
  const end = sql`UPDATE action_run SET state = :state, outcome = :outcome
     WHERE call_key = :callKey AND state = 'running'`;
  const unsettle = sql`UPDATE question_card SET is_settled = 0
     WHERE question_row IN (SELECT id FROM question WHERE call_key IN (?1, '1@' || ?1))`;
  const count = sql.rows(COUNT.read)`
    SELECT COUNT(*) AS count FROM action_run WHERE rule = ? AND started_at >= ?`;
  const selectLast = sql`
    SELECT ${LAST.columns()} FROM action_run WHERE rule = ? ORDER BY started_at DESC, id DESC LIMIT 1`;
  const selectInTurn = sql`
    SELECT ${RUN.columns()} FROM action_run WHERE message_id = ? AND rule = ?`;
  const select = sql.rows(RUN.read)`SELECT ${RUN.columns()} FROM action_run WHERE call_key = ?`;
  const selectOf = sql.rows(RUN.read)`
    SELECT ${RUN.columns()} FROM action_run WHERE message_id = ? ORDER BY id`;
  const selectCut = sql`SELECT ${RUN.columns("r")}, r.call_key, i.message FROM ${CUT_RUNS}
     WHERE r.account_id = ? ORDER BY r.id`;
  return {
    begin: (run, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        return insert({ ...run, state: "running", startedAt: now }) !== undefined;
      }),
    beginUnattended: (run, { rule, most, since }, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        const before = selectInTurn.get(run.messageId, rule);
        if (before) return { kind: "repeated" as const, run: RUN.read(before) };
        if (count.one(rule, since).count >= most) return { kind: "spent" as const };
        insert({ ...run, rule, state: "running", startedAt: now });
        return { kind: "begun" as const };
      }),
    end: (callKey, { state, outcome }, messages, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (end.run({ callKey, state, outcome }).changes === 0) return;
        unsettle.run(callKey);
        for (const message of messages) addOnce(message, now);
      }),
    lose: (run, outcome, messages, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (insert({ ...run, state: "failed", outcome, startedAt: now }) === undefined) return;
        unsettle.run(run.callKey);
        for (const message of messages) addOnce(message, now);
      }),
    useOf: (rule, since) =>
      read(() => {
        const last = selectLast.get(rule);
        return { ...count.one(rule, since), last: last && LAST.read(last) };
      }),
    runOf: (callKey) => read(() => select.get(callKey)),
    runsOf: (messageId) => read(() => selectOf.all(messageId)),
    cut: (accountId) =>
      read(() => selectCut.all(accountId).map((row) => ({ ...RUN.read(row), ...CUT.read(row) }))),
  };
}
