/**
 * Writes the rows of the outbox: added (T3), about to be sent (T4), and sent (T5), within
 * transactions of the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Frozen, OutboundMessage } from "../../core/outbound/outbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import type { Tail } from "../database/tail.ts";
import { prepareOutboxFiles } from "./files.ts";

/** A new row. */
export interface NewOutboxRow extends Pick<Frozen, "draft"> {
  /** Reserved number of the row. */
  readonly id: number;
  readonly message: OutboundMessage;
  /** Text of the whole answer, until it is sent. */
  readonly whole?: string;
  /** Number of its files; absent: none. */
  readonly fileCount?: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly state: "pending" | "sending" | "sent" | "folded" | "dropped";
  /** When the intent to send it was stored first; absent: never. */
  readonly firstAttemptAt?: number;
  /** Number of the row that has its text. */
  readonly foldedInto?: number;
  /** Why it was dropped. */
  readonly refusal?: string;
  /** Discord's id of the message. */
  readonly messageId?: MessageId;
}

const ACTIONS = { this: "replace", nothing: "remove" } as const;

/**
 * Prepares the statement that inserts a row.
 *
 * @returns Inserts it. It throws an error if the account has a row with its nonce.
 */
export function prepareInsertRow(database: DatabaseSync): (row: NewOutboxRow) => void {
  const insert = database.prepare(
    `INSERT INTO outbox (id, account_id, channel_id, nonce, state, kind, cause_id, action,
                         draft_nonce, file_count, created_at, first_attempt_at, folded_into,
                         refusal, message_id, message, whole)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return ({ message, draft, whole, ...row }) => {
    const { accountId, channelId, nonce, of } = message;
    insert.run(
      row.id,
      accountId,
      channelId,
      nonce,
      row.state,
      of?.kind ?? null,
      of?.cause ?? null,
      draft ? ACTIONS[draft.becomes] : "post",
      draft?.nonce ?? null,
      row.fileCount ?? 0,
      row.createdAt,
      row.firstAttemptAt ?? null,
      row.foldedInto ?? null,
      row.refusal ?? null,
      row.messageId ?? null,
      JSON.stringify(message),
      whole === undefined ? null : withoutControls(whole),
    );
  };
}

/** Names a row. Its number in memory may belong to another row of the table, so the nonce does. */
export interface RowKey {
  readonly accountId: AccountId;
  readonly nonce: string;
}

/** A row to settle. */
export interface Unsettled extends RowKey {
  /** Number of the row in the table, used only to delete its files. */
  readonly id: number;
  /** Target channel of the message; a delivery there ends its parking. */
  readonly channelId: ChannelId;
  /** Number of files that the row was stored with. */
  readonly fileCount: number;
}

/**
 * Settles a row whose message Discord has (T5), according to its answer, the gateway's echo, or the
 * channel's history, regardless of the row's state.
 *
 * @param messageId Absent if the message was deleted, or if there was none to send.
 * @returns Whether this call settled the row; `false` if it was settled before.
 */
export type Settle = (row: Unsettled, messageId: MessageId | undefined) => boolean;

/** Writes rows of the outbox. */
export interface OutboxRows {
  /** Adds a row, which may wait for the end of a catch-up. Its files are in their table already. */
  add(row: NewOutboxRow): void;
  /**
   * Notes the intent to send a row.
   *
   * @param isPost Whether a message in a draft's place is posted.
   * @returns Whether the row still waits to be sent.
   */
  intend(key: RowKey, now: number, isPost?: boolean): boolean;
  readonly settle: Settle;
}

/** Prepares the statements. */
export function prepareOutboxRows(database: DatabaseSync, tail: Tail): OutboxRows {
  const insert = prepareInsertRow(database);
  const settle = prepareSettle(database);
  const files = prepareOutboxFiles(database);
  const noteDelivered = prepareNoteDelivered(database);
  const markSending = database.prepare(
    `UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, ?),
         action = IIF(?, 'post', action), next_attempt_at = NULL
     WHERE account_id = ? AND nonce = ? AND state IN ('pending', 'sending')`,
  );
  const rows = tail.table<{ row: NewOutboxRow }>(({ row }) => {
    insert(row);
    return true;
  });
  const find = ({ accountId, nonce }: RowKey) => rows.find(`${accountId} ${nonce}`);

  return {
    add(row) {
      const { accountId, nonce } = row.message;
      rows.add(`${accountId} ${nonce}`, { row });
    },
    intend(key, now, isPost = false) {
      const waiting = find(key);
      if (!waiting) {
        return markSending.run(now, isPost ? 1 : 0, key.accountId, key.nonce).changes > 0;
      }
      // Only the journal changes waiting rows, and it has no row with `isPost`.
      const { row } = waiting;
      if (row.state !== "pending" && row.state !== "sending") return false;
      waiting.row = { ...row, state: "sending", firstAttemptAt: row.firstAttemptAt ?? now };
      return true;
    },
    settle(unsettled, messageId) {
      const waiting = find(unsettled);
      if (!waiting) return settle(unsettled, messageId);
      if (waiting.row.state === "sent") return false;
      waiting.row = { ...waiting.row, state: "sent", messageId, whole: undefined };
      if (unsettled.fileCount > 0) files.delete(unsettled.id);
      if (messageId !== undefined) noteDelivered(unsettled);
      return true;
    },
  };
}

/** Prepares the statements that settle rows of the table. */
export function prepareSettle(database: DatabaseSync): Settle {
  const files = prepareOutboxFiles(database);
  const noteDelivered = prepareNoteDelivered(database);
  const settle = database.prepare(
    `UPDATE outbox SET state = 'sent', message_id = ?, failing_since = NULL, whole = NULL
     WHERE account_id = ? AND nonce = ? AND state <> 'sent'`,
  );
  return (row, messageId) => {
    const { changes } = settle.run(messageId ?? null, row.accountId, row.nonce);
    if (changes === 0) return false;
    if (row.fileCount > 0) files.delete(row.id);
    if (messageId !== undefined) noteDelivered(row);
    return true;
  };
}

/**
 * Notes that a message has arrived in a channel. The waiting messages of that channel are then not
 * failing any more.
 */
type NoteDelivered = (row: Pick<Unsettled, "accountId" | "channelId">) => void;

/** Prepares the statements for arrived messages. */
function prepareNoteDelivered(database: DatabaseSync): NoteDelivered {
  const forget = database.prepare(
    "DELETE FROM parked_channel WHERE account_id = ? AND channel_id = ?",
  );
  const begin = database.prepare(
    `UPDATE outbox SET failing_since = NULL
     WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`,
  );
  return ({ accountId, channelId }) => {
    if (forget.run(accountId, channelId).changes > 0) begin.run(accountId, channelId);
  };
}
