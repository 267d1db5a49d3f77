/**
 * Finds the messages at Discord that show the answer of a turn now, so that a later answer replaces
 * them, or a deletion removes them (H6a). Works within transactions of the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import { oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import { type AnswerMessage, placeDrafts } from "../../core/outbound/draft.ts";
import { nonceOf } from "../../core/outbound/nonce.ts";
import type { Frozen, OutboundMessage } from "../../core/outbound/outbound.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { withoutQuotes } from "../sources/rewrite.ts";
import { prepareAddToOutbox, storedMessageSchema } from "./rows.ts";

const ROW = rows({
  message: text(),
  state: oneOf("pending", "sending", "sent"),
  action: oneOf("post", "replace"),
  messageId: optional(snowflake<"message">()),
});

/** The messages that answers of a turn belong to. */
export interface AnswersOf {
  readonly accountId: AccountId;
  readonly causes: readonly MessageId[];
}

/** Prepares the statement. */
export function prepareCurrentAnswer(
  database: DatabaseSync,
): (of: AnswersOf) => readonly AnswerMessage[] {
  const select = database.prepare(
    `SELECT message, state, action, message_id FROM outbox AS o
     WHERE cause_id IN (SELECT value FROM json_each(:causes)) AND +account_id = :accountId
       AND kind IN ('reply', 'failure') AND action <> 'remove'
       AND state IN ('pending', 'sending', 'sent')
       AND NOT EXISTS (
         SELECT 1 FROM outbox AS later
         WHERE later.cause_id IN (SELECT value FROM json_each(:causes))
           AND +later.account_id = :accountId AND later.draft_nonce = o.nonce
           AND later.state IN ('pending', 'sending', 'sent')
       )
     ORDER BY id`,
  );
  return ({ accountId, causes }) =>
    select.all({ accountId, causes: JSON.stringify(causes) }).flatMap((row) => {
      const { message, state, action, messageId } = ROW.read(row);
      const { of, ...rest } = storedMessageSchema.parse(message);
      if (!of) return [];
      // A later edit of the same message waits behind an earlier one.
      const isUntried = state === "pending" && action === "post";
      return [{
        message: { ...rest, of },
        state: state === "sent" ? "there" : isUntried ? "untried" : "open",
        messageId,
      }];
    });
}

/** Changes answers after their questions have changed. */
export interface Answers {
  /** Whether a person has deleted a message of an answer: then it is not written again. */
  isDeleted(of: AnswersOf): boolean;
  /** Notes that a message was deleted, if it belongs to an answer. */
  noteDeleted(accountId: AccountId, messageId: MessageId): void;
  /** Deletes an answer. @returns Whether there was one. */
  remove(of: AnswersOf, now: number): boolean;
  /** Removes lines that quote a question. @returns Whether there were any. */
  unquote(
    of: AnswersOf,
    question: { readonly id: MessageId; readonly text: string },
    now: number,
  ): boolean;
}

/** Prepares the statements. */
export function prepareAnswers(database: DatabaseSync, outgoing: Outgoing): Answers {
  const current = prepareCurrentAnswer(database);
  const add = prepareAddToOutbox(database, outgoing);
  const find = database.prepare("SELECT 1 FROM outbox WHERE account_id = ? AND nonce = ?");
  const withdraw = database.prepare(
    `UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND state = 'pending'`,
  );
  const lose = database.prepare(
    `UPDATE outbox SET message_id = NULL
     WHERE message_id = ? AND account_id = ? AND state = 'sent' AND kind IN ('reply', 'failure')`,
  );
  const forget = ({ accountId, channelId }: OutboundMessage) =>
    outgoing.queues.forget(accountId, channelId);

  return {
    isDeleted: (of) =>
      current(of).some(({ state, messageId }) => state === "there" && messageId === undefined),
    noteDeleted: (accountId, messageId) => void lose.run(messageId, accountId),
    remove(of, now) {
      const rows = current(of);
      const placed = placeDrafts(rows, []);
      for (const { message } of rows) forget(message);
      for (const nonce of placed.withdraw) withdraw.run(of.accountId, nonce);
      for (const frozen of placed.outbox) add(frozen, now);
      return rows.length > 0;
    },
    unquote(of, { id, text }, now) {
      let isAny = false;
      for (const { message, state } of current(of)) {
        const content = withoutQuotes(message.content, text);
        const nonce = nonceOf(
          { ...message.of, kind: "reply", cause: id },
          UNQUOTED - message.of.part,
        );
        if (content === message.content || state === "untried" || find.get(of.accountId, nonce)) {
          continue;
        }
        const isEmpty = content === "";
        const draft = { nonce: message.nonce, becomes: isEmpty ? "nothing" : "this" } as const;
        const frozen: Frozen = { message: { ...message, nonce, content }, files: [], draft };
        forget(message);
        add(frozen, now);
        isAny = true;
      }
      return isAny;
    },
  };
}

/** Below the indexes of all other messages of an answer. */
const UNQUOTED = -20_000;
