/**
 * Reads the whole record of one message: its verdicts, its turn, and the messages sent for it.
 * `barnacle why` reads nothing else.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { createUngroupedTransactions, type Transactions } from "../database/transact.ts";
import { DECISION_COLUMNS } from "./decisions.ts";
import { toDecisionOnRecord, toOutboxOnRecord, toTurnOnRecord } from "./record_rows.ts";
import type { MessageRecord, MessageRecords } from "../../core/store/received.ts";

const messageIdSchema = z.object({ message_id: snowflakeSchema<"message">() });
const causeSchema = z.object({ cause_id: snowflakeSchema<"message">().nullable() });

/**
 * Creates the reader of records.
 *
 * @param database Open and migrated; may be read-only.
 */
export function createMessageRecords(
  database: DatabaseSync,
  { read }: Transactions = createUngroupedTransactions(database),
): MessageRecords {
  const columns = DECISION_COLUMNS.split(", ").map((name) => `d.${name}`).join(", ");
  const selectDecisions = database.prepare(
    `SELECT ${columns}, d.facts, p.made_at, p.file, p.text, p.names
     FROM decision AS d LEFT JOIN policy AS p ON p.id = d.policy_row
     WHERE d.sent_to >= :sentAt AND d.sent_from <= :sentAt AND d.message_id = :messageId
     ORDER BY d.id`,
  );
  const selectTurn = database.prepare(
    "SELECT *, COALESCE(message ->> '$.revision', 0) AS revision FROM inbox WHERE message_id = ?",
  );
  const selectFailed = database.prepare(
    "SELECT message_id FROM inbox WHERE failure_id = ? ORDER BY id DESC LIMIT 1",
  );
  const selectCause = database.prepare(
    "SELECT cause_id FROM outbox WHERE message_id = ? ORDER BY id LIMIT 1",
  );
  const selectOutbox = (where: string) =>
    database.prepare(
      `SELECT o.*, p.reason AS parked_reason, p.next_try_at, (
         SELECT MIN(u.id) FROM outbox AS u
         WHERE u.account_id = o.account_id AND u.channel_id = o.channel_id AND u.id < o.id
           AND u.state IN ('pending', 'sending') AND o.state IN ('pending', 'sending')
       ) AS behind
       FROM outbox AS o
       LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
         AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
       WHERE ${where} ORDER BY o.id`,
    );
  const selectAnswers = selectOutbox("o.cause_id = ?");
  const selectOwn = selectOutbox("o.message_id = ?");

  function ofMessage(messageId: MessageId): MessageRecord | undefined {
    const decisions = selectDecisions.all({ messageId, sentAt: createdAtMs(messageId) })
      .map(toDecisionOnRecord);
    const row = selectTurn.get(messageId);
    const turn = row && toTurnOnRecord(row);
    const answered = turn?.replyTo === undefined ? [messageId] : [messageId, turn.replyTo];
    const outbox = answered.flatMap((id) => selectAnswers.all(id)).map(toOutboxOnRecord);
    if (decisions.length === 0 && !turn && outbox.length === 0) return undefined;
    return { messageId, decisions, turn, outbox };
  }

  function ofOwn(messageId: MessageId): MessageRecord | undefined {
    const row = selectCause.get(messageId);
    if (!row) return undefined;
    const { cause_id: cause } = causeSchema.parse(row);
    if (cause !== null) return ofMessage(cause);
    return { messageId, decisions: [], outbox: selectOwn.all(messageId).map(toOutboxOnRecord) };
  }

  return {
    messageRecordOf: (asked) =>
      read(() => {
        if ("messageId" in asked) return ofMessage(asked.messageId) ?? ofOwn(asked.messageId);
        const row = selectFailed.get(asked.failureId);
        return row && ofMessage(messageIdSchema.parse(row).message_id);
      }),
  };
}
