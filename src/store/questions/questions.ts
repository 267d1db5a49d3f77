/**
 * `store.questions`: questions to people, the turns that wait for them, and their cards (A1, T10).
 */

import { createCards, type OnDecided } from "./cards.ts";
import { readCode } from "../../core/inbound/pairing.ts";
import {
  type Deciding,
  type DecidingOutcome,
  type Decision,
  FILL_IN,
  MAX_OPEN_QUESTIONS,
  readAnswer,
  type StoredQuestion,
} from "../../core/people/question.ts";
import type { TurnToPark } from "../../core/store/questions.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { isRunning } from "../memory/open_turns.ts";
import { COUNT, integer, optional, rows, text } from "../schema/columns.ts";
import { EXEC_RULE, QUESTION, SELECT_OPEN, STORED_QUESTION } from "../schema/people.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";
import type { UsageRows } from "../usage/usage.ts";
import type { ExecRule } from "../../core/exec/command.ts";
import type { AccountId, MessageId, UserId } from "../../core/discord/ids.ts";

export function createQuestions(
  transactions: Transactions,
  memory: Memory,
  usage: UsageRows,
) {
  const selectOpen = transactions.database.prepare(SELECT_OPEN);
  const onDecided: OnDecided = (messageIds) => {
    for (const turn of messageIds) {
      if (!selectOpen.get(turn)) memory.apply({ kind: "resumed", turn });
    }
  };
  return {
    ...createParking(transactions, memory, usage),
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

/** How long decided questions are kept, for the log and for repeated presses. */
export const QUESTIONS_KEPT_MS = 30 * DAY_MS;

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
  { turns, apply, spent, forgotten }: Pick<Memory, "turns" | "apply" | "spent" | "forgotten">,
  usage: UsageRows,
) {
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
      const end = spent.begin(charges);
      try {
        await commit(COMMIT_OPTIONS.TS, () => {
          if (!isRunning(turns, claim)) {
            throw new Error(`The turn of message ${messageId} has ended`);
          }
          usage.add({ charges });
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
        end(true);
      } catch (error) {
        end(false);
        throw error;
      }
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
function createDecisions(
  { sql, commit, read }: Transactions,
  onDecided: OnDecided,
) {
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
