/**
 * `store.questions`: questions to people, the turns that wait for them, and their cards (A1, T10).
 *
 * A decision changes a question alone, in any process. The bot then brings its cards up to date
 * from here. So a crash leaves no card with buttons of a decided question for long.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { ExecRule } from "../../core/exec/command.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import { readCode } from "../../core/inbound/pairing.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import {
  type AskedCall,
  type Deciding,
  type DecidingOutcome,
  type Decision,
  FILL_IN,
  MAX_OFFERED,
  MAX_OPEN_QUESTIONS,
  type OfferedForm,
  readAnswer,
  type StoredQuestion,
} from "../../core/people/question.ts";
import type { Charge } from "../../core/spending/budget.ts";
import type { Step } from "../../core/step.ts";
import { COMMIT_OPTIONS, type Transactions, UNNAMED } from "../database/commits.ts";
import type { Memory } from "../memory/memory.ts";
import { isRunning } from "../memory/memory.ts";
import { prepareAddOnce } from "../outbox/outbox.ts";
import { COUNT, flag, integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import {
  EXEC_RULE,
  QUESTION,
  QUESTION_CARD,
  QUESTION_CONTROL,
  QUESTIONS_KEPT_MS,
  SELECT_OPEN,
  STORED_QUESTION,
} from "../schema/person.ts";
import { prepareInsertSteps } from "../turns/turns.ts";
import { prepareAddUsage } from "../usage/usage.ts";

export interface NewCard {
  readonly frozen: Frozen;
  readonly controls: readonly NewControl[];
}

export interface NewControl {
  /** Its `custom_id`: a name and 128 random bits. */
  readonly customId: string;
  /** Key of its choice, or the name of its kind. */
  readonly choice: string;
}

/** A card of a decided question that still shows it as open. */
interface OutdatedCard {
  readonly id: number;
  readonly channelId: ChannelId;
  readonly nonce: string;
  readonly question: StoredQuestion;
  /** Whether it was posted in Discord's second layout; absent if that is not known any more. */
  readonly isCard?: boolean;
}

interface TurnToPark {
  readonly claim: Claim;
  /** Its last steps, which are not stored yet. */
  readonly steps: readonly Step[];
  /** Requests to models since the last stored step. */
  readonly charges: readonly Charge[];
  /** At least one call that waits. */
  readonly asked: readonly (AskedCall & { readonly code: string })[];
  readonly now: number;
}

/** Called with the messages of parked turns that lack one open question now. */
type OnDecided = (messageIds: readonly MessageId[]) => void;

const CARD = rows({
  cardId: integer(),
  cardChannel: snowflake<"channel">(),
  nonce: text(),
  isCard: optional(flag()),
});
const REASON = rows({ parkedReason: optional(text()) });
const FORM = rows({ customId: text(), cardChannel: snowflake<"channel">() });
const ID = rows({ id: integer() });
const OF_TURN = rows({ messageId: snowflake<"message">() });
const toMessageId = (row: unknown) => OF_TURN.read(row).messageId;
const NEXT = rows({ next: optional(integer()) });

function createCards({ database, sql, commit, read }: Transactions, onDecided: OnDecided) {
  const addOnce = prepareAddOnce(database);
  const selectWithout = sql.rows(STORED_QUESTION.read)`
    SELECT ${STORED_QUESTION.columns()} FROM question
    WHERE state = 'open' AND account_id = ? AND has_cards = 0 ORDER BY id`;
  const selectUndeliverable = sql.rows((row) => ({
    question: STORED_QUESTION.read(row),
    reason: REASON.read(row).parkedReason,
  }))`
    SELECT ${STORED_QUESTION.columns("q")}, MIN(COALESCE(p.reason, o.refusal)) AS parked_reason
    FROM question AS q CROSS JOIN question_card AS c
      LEFT JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
        AND o.state IN ('pending', 'sending', 'dead')
      LEFT JOIN parked_channel AS p ON p.account_id = c.account_id AND p.channel_id = c.channel_id
        AND p.is_parked = 1
    WHERE q.state = 'open' AND q.account_id = ? AND c.question_row = q.id
    GROUP BY q.id HAVING COUNT(*) = SUM(
      c.is_settled OR o.state = 'dead' OR (o.id IS NOT NULL AND p.reason IS NOT NULL))
    ORDER BY q.id`;
  const markCarded = sql`
    UPDATE question SET has_cards = 1 WHERE id = ? AND has_cards = 0 AND state = 'open'`;
  const insertCard = QUESTION_CARD.prepareInsert(database, "RETURNING id");
  const insertControl = QUESTION_CONTROL.prepareInsert(database);
  const selectOutdated = sql`SELECT c.id AS card_id, c.channel_id AS card_channel, c.nonce,
            (SELECT o.message ->> '$.card' IS NOT NULL FROM outbox AS o
             WHERE o.account_id = c.account_id AND o.nonce = c.nonce) AS is_card,
            ${STORED_QUESTION.columns("q")}
     FROM question_card AS c CROSS JOIN question AS q
     WHERE c.is_settled = 0 AND c.account_id = ? AND q.id = c.question_row AND q.state <> 'open'
     ORDER BY c.id`;
  const selectForms = sql`
    SELECT k.custom_id, c.channel_id AS card_channel, ${STORED_QUESTION.columns("q")}
    FROM question AS q CROSS JOIN question_card AS c CROSS JOIN question_control AS k
    WHERE q.state = 'open' AND q.account_id = :accountId AND q.expires_at > :now
      AND c.question_row = q.id AND k.card_row = c.id AND k.choice = :choice
    ORDER BY q.id DESC LIMIT ${MAX_OFFERED}`;
  const markGone = sql`
    UPDATE question_card SET is_settled = 1 WHERE is_settled = 0 AND account_id = :accountId AND (
      channel_id IN (SELECT value FROM json_each(:gone))
      OR nonce IN (
        SELECT nonce FROM outbox WHERE message_id IN (SELECT value FROM json_each(:gone)))
      OR EXISTS (
        SELECT 1 FROM question AS q WHERE q.id = question_row AND q.channel_id = question_card.channel_id
          AND q.guild_id IN (SELECT value FROM json_each(:gone))))`;
  const markSettled =
    sql`UPDATE question_card SET is_settled = 1 WHERE id = :id AND is_settled = 0`;
  const withdraw = sql`
    UPDATE question SET state = 'withdrawn', decided_at = ? WHERE id = ? AND state = 'open'
    RETURNING message_id`;
  const withdrawCards = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE state = 'pending' AND (account_id, nonce) IN (
      SELECT account_id, nonce FROM question_card WHERE question_row = ?)`;
  const leaveCards = sql`
    UPDATE question_card SET is_settled = 1 WHERE question_row = ? AND EXISTS (
      SELECT 1 FROM outbox AS o WHERE o.account_id = question_card.account_id
        AND o.nonce = question_card.nonce AND o.state IN ('dead', 'withdrawn'))`;
  const expire = sql`UPDATE question SET state = 'expired', decided_at = :now
     WHERE state = 'open' AND account_id = :accountId AND expires_at <= :now
     RETURNING message_id`;
  const selectNext = sql.rows(NEXT.read)`
    SELECT MIN(expires_at) AS next FROM question WHERE state = 'open' AND account_id = ?`;
  const selectWork = sql.rows(NEXT.read)`
    SELECT EXISTS (SELECT 1 FROM question WHERE state = 'open' AND account_id = :accountId)
        OR EXISTS (SELECT 1 FROM question_card
                   WHERE is_settled = 0 AND account_id = :accountId) AS next`;

  return {
    /**
     * Open questions of an account of which no card can be pressed, with Discord's reason for the first
     * one: Discord does not take them, or they are gone.
     */
    undeliverable: (accountId: AccountId): Promise<
      readonly { readonly question: StoredQuestion; readonly reason?: string | undefined }[]
    > => read(() => selectUndeliverable.all(accountId)),
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
    /**
     * Notes that cards are gone: nothing changes them any more.
     *
     * @param gone Ids of messages, channels and guilds.
     * @returns Number of cards.
     */
    cardsGone: (accountId: AccountId, gone: readonly string[]) =>
      commit(
        UNNAMED,
        () => Number(markGone.run({ accountId, gone: JSON.stringify(gone) }).changes),
      ),
    outdated: (accountId: AccountId): Promise<readonly OutdatedCard[]> =>
      read(() =>
        selectOutdated.all(accountId).map((row) => {
          const { cardId: id, cardChannel: channelId, nonce, isCard } = CARD.read(row);
          return { id, channelId, nonce, question: STORED_QUESTION.read(row), isCard };
        })
      ),
    /** Adds the last text of a card to the outbox, once. */
    settleCard: ({ id }: OutdatedCard, frozen: Frozen, now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (markSettled.run({ id }).changes > 0) addOnce(frozen, now);
      }),
    /** Ends a question that could reach no one. Its cards that Discord does not have are not sent. */
    async withdraw(questionId: number, now: number) {
      const end = () => {
        const turns = withdraw.all(now, questionId).map(toMessageId);
        if (turns.length > 0) {
          withdrawCards.run(questionId);
          leaveCards.run(questionId);
        }
        return turns;
      };
      await commit(COMMIT_OPTIONS.BY_HAND, end, { onStored: onDecided });
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

export function createQuestions(transactions: Transactions, memory: Memory) {
  const selectOpen = transactions.database.prepare(SELECT_OPEN);
  const onDecided: OnDecided = (messageIds) => {
    for (const turn of messageIds) {
      if (!selectOpen.get(turn)) memory.apply({ kind: "resumed", turn });
    }
  };
  return {
    ...createParking(transactions, memory),
    ...createCards(transactions, onDecided),
    ...createDecisions(transactions, onDecided),
    ...createExecRules(transactions),
  };
}

export type Questions = ReturnType<typeof createQuestions>;

/** Commands that a person has allowed for good (A2). */
function createExecRules({ database, sql, commit, read }: Transactions) {
  const select = sql`SELECT * FROM exec_rule WHERE agent_id = ? ORDER BY id`;
  const insert = EXEC_RULE.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const selectAll = sql.rows(EXEC_RULE.read)`SELECT * FROM exec_rule ORDER BY id`;
  const remove = sql`DELETE FROM exec_rule WHERE id = ?`;
  return {
    /** All rules. */
    allRules: () => read(() => selectAll.all()),
    /** @returns Whether there was such a rule. */
    removeRule: (id: number) => commit(COMMIT_OPTIONS.BY_HAND, () => remove.run(id).changes > 0),
    execRules: (agentId: string): Promise<readonly ExecRule[]> =>
      read(() => select.all(agentId).map((row) => ({ ...RULE.read(row), isPattern: false }))),
    /** Adds a rule, once. */
    addExecRule: (
      agentId: string,
      { path, contentHash, cwd, filesHash, args }: Required<ExecRule>,
      allowedBy: UserId | undefined,
      now: number,
    ) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        insert({ agentId, path, contentHash, cwd, filesHash, args, allowedBy, allowedAt: now });
      }),
  };
}

const RULE = EXEC_RULE.pick("path", "contentHash", "cwd", "filesHash", "args");

/** Maximum number of old questions that a new one deletes. */
const PRUNED_AT_ONCE = 16;

/**
 * Parks turns whose calls wait for people.
 *
 * Steps, charges and questions are stored in one transaction, which also ends the claim. A crash
 * before it leaves a turn that asks again; a crash after it leaves a parked turn.
 */
function createParking(
  { database, sql, commit, read }: Transactions,
  { turns, apply, forgotten }: Memory,
) {
  const addUsage = prepareAddUsage(database);
  const insertSteps = prepareInsertSteps(database);
  // Waiting for people is no failed attempt. The first attempt stays counted: a later one knows by
  // that which messages belong to the turn.
  const unclaim = sql`UPDATE inbox SET state = 'waiting', attempt = MAX(attempt - 1, 1)
     WHERE (message_id = :messageId OR turn_of = :messageId) AND finished_at IS NULL`;
  const insert = QUESTION.prepareInsert(database);
  const prune = [
    `DELETE FROM question WHERE id IN (
       SELECT id FROM question WHERE decided_at < ? ORDER BY decided_at LIMIT ${PRUNED_AT_ONCE})`,
    `DELETE FROM question_cover WHERE question_row NOT IN (SELECT id FROM question)`,
    `DELETE FROM question_card WHERE question_row NOT IN (SELECT id FROM question)`,
    `DELETE FROM question_control WHERE card_row NOT IN (SELECT id FROM question_card)`,
  ].map((sql) => database.prepare(sql));
  // A call may wait for the question of another one. The last such question counts.
  const cover = sql`INSERT OR REPLACE INTO question_cover (call_key, question_row)
     SELECT :covered, id FROM question WHERE call_key = :callKey`;
  const select = sql`SELECT ${STORED_QUESTION.columns()} FROM question WHERE call_key = :callKey
     UNION ALL
     SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE id = (SELECT question_row FROM question_cover WHERE call_key = :callKey)
     LIMIT 1`;
  const selectOpen = database.prepare(SELECT_OPEN);
  const count = sql`SELECT COUNT(*) AS count FROM question
     WHERE state = 'open' AND account_id = ? AND asker_id = ?`;

  return {
    /**
     * TS: parks a turn until its questions are decided.
     *
     * @throws {Error} If the claim does not run any more.
     */
    async park({ claim, steps, charges, asked, now }: TurnToPark) {
      const { message, attempt } = claim;
      const { id: messageId, accountId, channelId, guildId, sender } = message;
      await commit(COMMIT_OPTIONS.TS, () => {
        if (!isRunning(turns, claim)) {
          throw new Error(`The turn of message ${messageId} has ended`);
        }
        addUsage({ charges });
        if (forgotten.hasRead(messageId, steps)) return "again";
        insertSteps({ accountId, messageId, attempt }, steps);
        const [questions, ...parts] = prune;
        if (questions && questions.run(now - QUESTIONS_KEPT_MS).changes > 0) {
          for (const part of parts) part.run();
        }
        unclaim.run({ messageId });
        const open = COUNT.read(count.get(accountId, sender.id)).count;
        for (const [index, { callKey, code, question }] of asked.entries()) {
          const isTooMany = open + index >= MAX_OPEN_QUESTIONS;
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
        return selectOpen.get(messageId) !== undefined ? "parked" : "resumed";
      }, {
        onStored(state) {
          if (state === "again") return apply({ kind: "again", turns: [messageId] });
          apply({ kind: "parked", claim });
          if (state === "resumed") apply({ kind: "resumed", turn: messageId });
        },
      });
    },
    /** The decision about a call; `undefined` if there is none yet. */
    decisionOf: (callKey: string): Promise<Decision | undefined> =>
      read(() => {
        const row = select.get({ callKey });
        if (!row) return undefined;
        const stored = STORED_QUESTION.read(row);
        const { state, answer = { choice: "" }, decidedBy, question } = stored;
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

const CONTROL = rows({
  questionRow: integer(),
  channelId: text(),
  messageId: optional(text()),
  applicationId: optional(text()),
  choice: text(),
});

/**
 * Decides questions: the first decision counts, from wherever it comes (A4).
 *
 * A client can claim to have pressed any button of any message. So everything that a decision needs
 * is compared with the rows, within the transaction that stores it (SEC-R19).
 */
function createDecisions({ sql, commit, read }: Transactions, onDecided: OnDecided) {
  const selectControl = sql`
    SELECT c.question_row, c.channel_id, o.message_id, a.application_id, k.choice
    FROM question_control AS k
      CROSS JOIN question_card AS c
      LEFT JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
      LEFT JOIN account AS a ON a.account_id = c.account_id
    WHERE k.custom_id = :customId AND c.id = k.card_row
      AND (:accountId IS NULL OR c.account_id = :accountId)`;
  const selectById = sql.rows(STORED_QUESTION.read)`
    SELECT ${STORED_QUESTION.columns()} FROM question WHERE id = ?`;
  const selectByCode = sql`SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE code = :code AND (:accountId IS NULL OR account_id = :accountId)`;
  const selectOpen = sql`SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE state = 'open' AND expires_at > :now AND question ->> '$.isPersonal' IS NULL
       AND (:accountId IS NULL OR account_id = :accountId)
     ORDER BY id`;
  const end = sql`
    UPDATE question SET state = :state, answer = :answer, decided_by = :by, decided_at = :now
    WHERE id = :id AND state = 'open'`;
  const selectSame = sql.rows(STORED_QUESTION.read)`
    SELECT ${STORED_QUESTION.columns()} FROM question
    WHERE state = 'open' AND question ->> '$.kind' = 'skill'
      AND question ->> '$.binding' = ?`;

  function find({ accountId: account, by }: Deciding): {
    readonly question: StoredQuestion;
    /** Of the component; absent for a code. */
    readonly choice?: string;
  } | undefined {
    const accountId = account ?? null;
    if ("code" in by) {
      const code = readCode(by.code);
      const row = code === undefined ? undefined : selectByCode.get({ code, accountId });
      return row && { question: STORED_QUESTION.read(row) };
    }
    const row = selectControl.get({ customId: by.customId, accountId });
    if (!row) return undefined;
    const { questionRow, channelId, messageId, applicationId, choice } = CONTROL.read(row);
    // Until Discord has told the id of the card, its channel must do.
    const isItsCard = channelId === by.channelId &&
      (messageId === undefined || messageId === by.messageId) &&
      (applicationId === undefined || applicationId === by.applicationId);
    if (!isItsCard) return undefined;
    return { question: selectById.one(questionRow), choice };
  }

  /** @param turns Gets the turns of all questions that end. */
  function settle(deciding: Deciding, turns: MessageId[]): DecidingOutcome {
    const match = find(deciding);
    if (!match) return { kind: "unknown" };
    const { question: stored, choice } = match;
    const { question } = stored;
    const { userId, now } = deciding;
    const isAsked = userId === undefined || question.asked === "anyone" ||
      question.asked.includes(userId);
    if (!isAsked) return { kind: "not_asked", question: stored, choice };
    turns.push(stored.messageId);
    if (stored.state !== "open") return { kind: "closed", question: stored };
    if (stored.expiresAt <= now) {
      end.run({ id: stored.id, state: "expired", answer: null, by: null, now });
      return { kind: "closed", question: { ...stored, state: "expired" } };
    }
    if (question.form && choice === FILL_IN && deciding.submitted === undefined) {
      return { kind: "form", form: question.form, question: stored };
    }
    const given = readAnswer(question, choice, deciding);
    if (!given) return { kind: "no_choice", question: stored };
    // An answer about a version of a file is one to all questions about it, of all bots.
    for (const { id, messageId } of [stored, ...selectSame.all(question.binding ?? null)]) {
      const ended = { id, answer: JSON.stringify(given), by: userId ?? null, now };
      end.run({ ...ended, state: "answered" });
      turns.push(messageId);
    }
    const decided = { ...stored, state: "answered", answer: given, decidedBy: userId } as const;
    return { kind: "decided", question: decided };
  }

  return {
    /** Decides a question, unless it is decided. */
    decide(deciding: Deciding): Promise<DecidingOutcome> {
      const turns: MessageId[] = [];
      const onStored = () => onDecided(turns);
      return commit(COMMIT_OPTIONS.BY_HAND, () => settle(deciding, turns), { onStored });
    },
    /** Open questions, oldest first; of one account, if given. */
    open: (now: number, accountId?: AccountId): Promise<readonly StoredQuestion[]> =>
      read(() => selectOpen.all({ now, accountId: accountId ?? null }).map(STORED_QUESTION.read)),
  };
}
