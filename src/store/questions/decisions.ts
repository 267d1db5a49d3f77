/**
 * Decides questions: the first decision counts, from wherever it comes (A4).
 *
 * A client can claim to have pressed any button of any message. So everything that a decision needs
 * is compared with the rows, within the transaction that stores it (SEC-R19).
 */

import type { DatabaseSync } from "node:sqlite";
import type { MessageId } from "../../core/discord/ids.ts";
import { readCode } from "../../core/inbound/pairing.ts";
import {
  type Deciding,
  type DecidingOutcome,
  FILL_IN,
  type QuestionAnswer,
  readAnswer,
  type StoredQuestion,
} from "../../core/people/question.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { integer, optional, rows, text } from "../schema/columns.ts";
import { STORED_QUESTION } from "../schema/questions.ts";
import type { QuestionDecisions } from "../../core/store/questions.ts";

/** Called with the messages of parked turns that lack one open question now. */
export type OnDecided = (messageIds: readonly MessageId[]) => void;

interface QuestionMatch {
  readonly question: StoredQuestion;
  /** Of the component; absent for a code. */
  readonly choice?: string;
}

const CONTROL = rows({
  questionRow: integer(),
  channelId: text(),
  messageId: optional(text()),
  applicationId: optional(text()),
  choice: text(),
});

/** Creates the storage of decisions. */
export function createDecisions(
  database: DatabaseSync,
  { commit, read }: Transactions,
  onDecided: OnDecided,
): QuestionDecisions {
  const selectControl = database.prepare(
    `SELECT c.question_row, c.channel_id, o.message_id, a.application_id, k.choice
     FROM question_control AS k
       CROSS JOIN question_card AS c
       LEFT JOIN outbox AS o ON o.account_id = c.account_id AND o.nonce = c.nonce
       LEFT JOIN account AS a ON a.account_id = c.account_id
     WHERE k.custom_id = :customId AND c.id = k.card_row
       AND (:accountId IS NULL OR c.account_id = :accountId)`,
  );
  const selectById = database.prepare(
    `SELECT ${STORED_QUESTION.columns()} FROM question WHERE id = ?`,
  );
  const selectByCode = database.prepare(
    `SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE code = :code AND (:accountId IS NULL OR account_id = :accountId)`,
  );
  const selectOpen = database.prepare(
    `SELECT ${STORED_QUESTION.columns()} FROM question
     WHERE state = 'open' AND expires_at > :now
       AND (:accountId IS NULL OR account_id = :accountId)
     ORDER BY id`,
  );
  const end = database.prepare(
    `UPDATE question SET state = :state, answer = :answer, decided_by = :by, decided_at = :now
     WHERE id = :id AND state = 'open'`,
  );

  function find({ accountId: account, by }: Deciding): QuestionMatch | undefined {
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
    return { question: STORED_QUESTION.read(selectById.get(questionRow)), choice };
  }

  function settle(deciding: Deciding): DecidingOutcome {
    const match = find(deciding);
    if (!match) return { kind: "unknown" };
    const { question: stored, choice } = match;
    const { question } = stored;
    const { userId, now } = deciding;
    const isAsked = userId === undefined || question.asked === "anyone" ||
      question.asked.includes(userId);
    const as = question.forHolders && !isAsked ? deciding.as : undefined;
    if (!isAsked && !as) return { kind: "not_asked", question: stored, choice };
    if (stored.state !== "open") return { kind: "closed", question: stored };
    if (stored.expiresAt <= now) {
      end.run({ id: stored.id, state: "expired", answer: null, by: null, now });
      return { kind: "closed", question: { ...stored, state: "expired" } };
    }
    if (question.form && choice === FILL_IN && !deciding.submitted) {
      return { kind: "form", form: question.form, question: stored };
    }
    const given = readAnswer(question, choice, deciding);
    if (!given) return { kind: "no_choice", question: stored };
    const answer: QuestionAnswer = as === "holder" ? { ...given, byRight: true } : given;
    end.run({
      id: stored.id,
      state: "answered",
      answer: JSON.stringify(answer),
      by: userId ?? null,
      now,
    });
    const decided = { ...stored, state: "answered", answer, decidedBy: userId } as const;
    return { kind: "decided", question: decided };
  }

  return {
    decide: (deciding) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => settle(deciding), {
        onStored(outcome) {
          if (outcome.kind !== "decided" && outcome.kind !== "closed") return;
          onDecided([outcome.question.messageId]);
        },
      }),
    open: (now, accountId) =>
      read(() => selectOpen.all({ now, accountId: accountId ?? null }).map(STORED_QUESTION.read)),
  };
}
