/**
 * Lets a turn begin anew whose question was edited after the answer, within a transaction of the
 * caller's (H6a).
 *
 * Its messages wait again. A step tells the new turn that the steps before it stay done, and which
 * answer it replaces.
 */

import type { DatabaseSync } from "node:sqlite";
import { COUNT, integer, optional, rows, snowflake, text } from "../schema/columns.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import { FOLLOWED_MS, MAX_FOLLOWED } from "../../core/inbound/inbox.ts";
import type { EditedStep } from "../../core/step.ts";
import type { Answers } from "../outbox/answers.ts";
import { prepareEditedStep } from "../turns/edited_step.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";

/** A message of a turn, as the inbox has it. */
export interface TurnRow {
  /** Its id. */
  readonly messageId: MessageId;
  /** How its turn has ended, or that it has not. */
  readonly state: string;
  /** Number of turns so far. */
  readonly attempt: number;
  /** The message that the reply belongs to; absent: the one that the turn began with. */
  readonly replyTo?: MessageId;
  /** What its sender has done with it since; absent: nothing. */
  readonly change?: string;
}

const ROW = rows({
  messageId: snowflake<"message">(),
  state: text(),
  attempt: integer(),
  replyTo: optional(snowflake<"message">()),
  change: optional(text()),
});

/** Ends of a turn that an edit takes back. */
const ENDS: readonly string[] = ["answered", "declined", "failed"];

/** A turn of a message. */
export interface TurnOfMessage {
  /** The message that it began with. */
  readonly id: MessageId;
  readonly rows: readonly TurnRow[];
  /** The newest edit that it has followed. */
  readonly edit: EditedStep | undefined;
  /** The messages that its answers belong to. */
  readonly causes: readonly MessageId[];
}

/** Prepares the reading of turns. */
export function prepareTurnOf(database: DatabaseSync): (turnId: MessageId) => TurnOfMessage {
  const select = database.prepare(
    `SELECT message_id, state, attempt, reply_to, change FROM inbox
     WHERE message_id = :id OR turn_of = :id ORDER BY length(message_id), message_id`,
  );
  const editedStep = prepareEditedStep(database);
  return (id) => {
    const rows = select.all({ id }).map(ROW.read);
    const edit = editedStep(id);
    const answered = rows.flatMap(({ messageId, replyTo }) => [messageId, replyTo ?? id]);
    return { id, rows, edit, causes: [...new Set([...edit?.causes ?? [], ...answered])] };
  };
}

/**
 * Lets the messages of a turn wait again.
 *
 * @returns The messages; none if the edit is not followed.
 */
export type Reopen = (
  turn: TurnOfMessage,
  edit: {
    readonly accountId: AccountId;
    readonly sessionKey: string;
    /** When the edited message was sent. */
    readonly sentAt: number;
    readonly now: number;
  },
) => readonly MessageId[];

/** Prepares the statements. */
export function prepareReopen(
  database: DatabaseSync,
  answers: Pick<Answers, "isDeleted">,
): Reopen {
  const wasReset = database.prepare(
    `SELECT COUNT(*) AS count FROM checkpoint
     WHERE session_key = :sessionKey AND kind = 'reset' AND last_entry >= COALESCE(
       (SELECT MIN(id) FROM entry
        WHERE message_id IN (SELECT value FROM json_each(:ids)) AND role = 'user'
          AND session_key = :sessionKey), 9223372036854775807)`,
  );
  const wait = database.prepare(
    `UPDATE inbox
     SET state = 'waiting', finished_at = NULL, claimed_at = NULL, failure_id = NULL,
         failure = NULL, reply_to = NULL, turn_of = :turnOf
     WHERE message_id = :messageId`,
  );
  const moveSteps = database.prepare("UPDATE step SET message_id = ? WHERE message_id = ?");
  const insertSteps = prepareInsertSteps(database);

  return ({ id, rows, edit, causes }, { accountId, sessionKey, sentAt, now }) => {
    const { number = 0 } = edit ?? {};
    const left = rows.filter(({ change }) => change !== "deleted");
    const [first] = left;
    if (!first || now - sentAt > FOLLOWED_MS || number >= MAX_FOLLOWED) return [];
    if (left.some(({ state }) => !ENDS.includes(state))) return [];
    const ids = JSON.stringify(left.map(({ messageId }) => messageId));
    if (COUNT.read(wasReset.get({ sessionKey, ids })).count > 0) return [];
    if (answers.isDeleted({ accountId, causes })) return [];
    for (const { messageId } of left) {
      wait.run({ messageId, turnOf: messageId === first.messageId ? null : first.messageId });
    }
    if (first.messageId !== id) moveSteps.run(first.messageId, id);
    const step: EditedStep = { kind: "edited", number: number + 1, causes, at: now };
    insertSteps({ accountId, messageId: first.messageId, attempt: first.attempt }, [step]);
    return left.map(({ messageId }) => messageId);
  };
}
