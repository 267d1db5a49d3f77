/**
 * Keeps the messages that show questions, and finds those that are out of date.
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date from
 * here. So a crash leaves no card with buttons of a decided question for long.
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { MAX_OFFERED, type OfferedForm } from "../../core/people/form.ts";
import { FILL_IN, offeredCall, type StoredQuestion } from "../../core/people/question.ts";
import type {
  ActionRun,
  ActionState,
  CutRun,
  NewActionRun,
  NewCard,
  OutdatedCard,
  RuleUse,
  UnattendedBegin,
} from "../../core/store/questions.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
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
import type { Frozen } from "../../core/outbound/outbound.ts";

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
  onDecided: OnDecided,
) {
  const addOnce = prepareAddOnce(database);
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
    /**
     * Open questions of an account whose cards wait in direct channels in which Discord does not let the
     * bot post, with its reason for the first one.
     */
    undeliverable: (
      accountId: AccountId,
    ): Promise<readonly { readonly question: StoredQuestion; readonly reason: string }[]> =>
      read(() => selectUndeliverable.all(accountId)),
    /** Open questions of an account without cards, in the order of asking. */
    withoutCards: (accountId: AccountId): Promise<readonly StoredQuestion[]> =>
      read(() => selectWithout.all(accountId)),
    /**
     * Adds the cards of a question to the outbox, unless it has some, or is decided.
     *
     * @returns Whether they were added.
     */
    addCards: (questionId: number, cards: readonly NewCard[], now: number) =>
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
    outdated: (accountId: AccountId): Promise<readonly OutdatedCard[]> =>
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
    /**
     * Adds the last text of a card to the outbox, once, and once more after the chosen action has ended.
     * Adds nothing if the action has ended meanwhile. The card stays outdated until the action begins.
     */
    settleCard: (
      { id, run, pressed }: Pick<OutdatedCard, "id" | "run" | "pressed">,
      frozen: Frozen,
      now: number,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const mark = { id, hasRun: run ? 1 : 0, isLast: pressed ? 0 : 1 };
        if (markSettled.run(mark).changes > 0) addOnce(frozen, now);
      }),
    /** Adds the line that an answer waits for a person (A5), once, and while it does. */
    addWaitingLine: (questionId: number, frozen: Frozen, now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (selectIsOpen.get(questionId)) addOnce(frozen, now);
      }),
    /** Ends a question that could reach no one. */
    async withdraw(questionId: number, now: number) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => withdraw.all(now, questionId).map(toMessageId), {
        onStored: onDecided,
      });
    },
    /** Ends the questions of an account whose time is over. Returns their number. */
    async expire(accountId: AccountId, now: number) {
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
    /** When the next question of an account expires; `undefined` if none is open. */
    nextExpiry: (accountId: AccountId): Promise<number | undefined> =>
      read(() => selectNext.one(accountId).next),
    /** The forms that people of an account may open, newest first; {@link MAX_OFFERED} at most. */
    openForms: (accountId: AccountId, now: number): Promise<readonly OfferedForm[]> =>
      read(() =>
        selectForms.all({ accountId, now, choice: FILL_IN }).flatMap((row) => {
          const { customId, cardChannel: channelId } = FORM.read(row);
          const { question: { form, asked }, expiresAt } = STORED_QUESTION.read(row);
          return form ? [{ customId, channelId, asked, expiresAt, form }] : [];
        })
      ),
    /** Whether the account has an open question, a card that must change, or a cut action. */
    hasWork: (accountId: AccountId) => read(() => selectWork.one({ accountId }).next === 1),
  };
}

/** Keeps cards. `now` is Unix time in milliseconds throughout. */
export type Cards = ReturnType<typeof createCards>;

/** How long runs are kept, as the questions that offered them. */
export const ACTION_RUNS_KEPT_MS = 30 * DAY_MS;

const RUN = ACTION_RUN.pick("label", "rule", "state", "outcome", "byUser", "startedAt");
const LAST = ACTION_RUN.pick("messageId", "state", "startedAt");
const CUT = rows({ callKey: text(), message: json<InboundMessage>() });

/**
 * `store.actions`: runs of offered actions (T16).
 *
 * A run is stored before it begins. So a crash leaves a run without an end, whose outcome is unknown,
 * and never a second run. The function is long because it is a list of methods.
 */
export function createActionRuns(
  { database, sql, commit, read }: Transactions,
) {
  const addOnce = prepareAddOnce(database);
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
    /**
     * Records that a run begins, before it does.
     *
     * @returns Whether it may begin: no action of this call has begun before.
     */
    begin: (run: NewActionRun, now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        return insert({ ...run, state: "running", startedAt: now }) !== undefined;
      }),
    /**
     * Records that a run without a person begins, before it does. A rule runs once in a turn.
     *
     * @param limit The rule that permits it, and how often since a time, with the runs that failed.
     */
    beginUnattended: (
      run: Omit<NewActionRun, "byUser">,
      { rule, most, since }: {
        readonly rule: string;
        readonly most: number;
        readonly since: number;
      },
      now: number,
    ): Promise<UnattendedBegin> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        const before = selectInTurn.get(run.messageId, rule);
        if (before) return { kind: "repeated" as const, run: RUN.read(before) };
        if (count.one(rule, since).count >= most) return { kind: "spent" as const };
        insert({ ...run, rule, state: "running", startedAt: now });
        return { kind: "begun" as const };
      }),
    /**
     * Records the end of a run, with the message that tells it, in one transaction. The cards of its
     * question are out of date then. A second end changes nothing.
     */
    end: (
      callKey: string,
      { state, outcome }: {
        readonly state: Exclude<ActionState, "running">;
        readonly outcome: string;
      },
      messages: readonly Frozen[],
      now: number,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (end.run({ callKey, state, outcome }).changes === 0) return;
        unsettle.run(callKey);
        for (const message of messages) addOnce(message, now);
      }),
    /**
     * Records an action that a person has chosen and that never begins, with the message that tells it,
     * in one transaction. Does nothing if it has begun.
     */
    lose: (run: NewActionRun, outcome: string, messages: readonly Frozen[], now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (insert({ ...run, state: "failed", outcome, startedAt: now }) === undefined) return;
        unsettle.run(run.callKey);
        for (const message of messages) addOnce(message, now);
      }),
    /** How often a rule has run an action since a time, and its last run. */
    useOf: (rule: string, since: number): Promise<RuleUse> =>
      read(() => {
        const last = selectLast.get(rule);
        return { ...count.one(rule, since), last: last && LAST.read(last) };
      }),
    /** The run of a call; `undefined` if none has begun. */
    runOf: (callKey: string): Promise<ActionRun | undefined> => read(() => select.get(callKey)),
    /** The runs that a message's turn has led to, in order. */
    runsOf: (messageId: MessageId): Promise<readonly ActionRun[]> =>
      read(() => selectOf.all(messageId)),
    /** Runs of an account without an end whose turn is over: a crash has cut them. */
    cut: (accountId: AccountId): Promise<readonly CutRun[]> =>
      read(() => selectCut.all(accountId).map((row) => ({ ...RUN.read(row), ...CUT.read(row) }))),
  };
}

/** All methods of `store.actions`. */
export type ActionRuns = ReturnType<typeof createActionRuns>;
