/**
 * Writes the rows of the outbox: added (T3), about to be sent (T4), and sent (T5), within
 * transactions of the caller's.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Echo, Foreign } from "../../core/inbound/inbox.ts";
import type { Frozen, OutboundFile, OutboundMessage } from "../../core/outbound/outbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { ENDS_WORDS } from "../sources/sources.ts";
import { bytes, integer, optional, rows, snowflake, text } from "../schema/columns.ts";

interface NewOutboxRow extends Pick<Frozen, "draft"> {
  readonly id: number;
  readonly message: OutboundMessage;
  /** Number of its files; absent: none. */
  readonly fileCount?: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly state: "pending" | "dropped";
  /** Why it was dropped. */
  readonly refusal?: string;
}

const ACTIONS = { this: "replace", nothing: "remove" } as const;

/**
 * Prepares the statement that inserts a row.
 *
 * @returns Inserts it. It throws an error if the account has a row with its nonce.
 */
export function prepareInsertRow(database: DatabaseSync): (row: NewOutboxRow) => void {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO outbox (id, account_id, channel_id, nonce, state, kind, cause_id, action,
                        draft_nonce, file_count, created_at, refusal, owes, message)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  return ({ message, draft, ...row }) => {
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
      row.refusal ?? null,
      row.state === "dropped" ? "direct" : null,
      JSON.stringify(message),
    );
  };
}

/** Names a row. Its number in memory may belong to another row of the table, so the nonce does. */
export interface RowKey {
  readonly accountId: AccountId;
  readonly nonce: string;
}

export interface Unsettled extends RowKey {
  /** Number of the row in the table, used only to delete its files. */
  readonly id: number;
  /** Target channel of the message; a delivery there ends its parking. */
  readonly channelId: ChannelId;
  readonly fileCount: number;
}

export function prepareOutboxRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const markSending = sql`UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, ?),
         action = IIF(?, 'post', action), next_attempt_at = NULL
     WHERE account_id = ? AND nonce = ? AND state IN ('pending', 'sending')`;
  return {
    /**
     * Notes the intent to send a row.
     *
     * @param isPost Whether a message in a draft's place is posted.
     * @returns Whether the row still waits to be sent.
     */
    intend: ({ accountId, nonce }: RowKey, now: number, isPost: boolean) =>
      markSending.run(now, isPost ? 1 : 0, accountId, nonce).changes > 0,
    /** Ends a row. Returns whether it was not sent before. */
    settle: prepareSettle(database),
  };
}

export type OutboxRows = ReturnType<typeof prepareOutboxRows>;

/**
 * Settles a row whose message Discord has (T5), according to its answer, the gateway's echo, or the
 * channel's history, regardless of the row's state.
 *
 * @param messageId Absent if the message was deleted, or if there was none to send.
 * @returns Whether this call settled the row; `false` if it was settled before.
 */
function prepareSettle(
  database: DatabaseSync,
): (row: Unsettled, messageId: MessageId | undefined) => boolean {
  const sql = statementsOf(database);
  const files = prepareOutboxFiles(database);
  const noteDelivered = prepareNoteDelivered(database);
  const settle = sql`
    UPDATE outbox SET state = 'sent', message_id = ?, failing_since = NULL, ${ENDS_WORDS}
    WHERE account_id = ? AND nonce = ? AND state <> 'sent'`;
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
function prepareNoteDelivered(
  database: DatabaseSync,
): (row: Pick<Unsettled, "accountId" | "channelId">) => void {
  const sql = statementsOf(database);
  const forget = sql`DELETE FROM parked_channel WHERE account_id = ? AND channel_id = ?`;
  const begin = sql`UPDATE outbox SET failing_since = NULL
     WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`;
  return ({ accountId, channelId }) => {
    if (forget.run(accountId, channelId).changes > 0) begin.run(accountId, channelId);
  };
}

/** Discord's older mark of a spoiler. It hides such a file with and without the field. */
const SPOILER = "SPOILER_";

const isMarked = (name: string): boolean =>
  name.startsWith(SPOILER) && name.length > SPOILER.length;

const FILE = rows({
  name: text(),
  alt: optional(text()),
  contentType: optional(text()),
  bytes: bytes(),
});

function readFile(row: unknown): OutboundFile {
  const { name, bytes, ...rest } = FILE.read(row);
  return {
    ...rest,
    name: isMarked(name) ? name.slice(SPOILER.length) : name,
    isSpoiler: isMarked(name) || undefined,
    bytes: new Uint8Array(bytes), // a copy, because SQLite's bytes may be in shared memory
  };
}

/**
 * Stores the bytes of unsent files.
 *
 * Files are most of a message's size. So they are deleted as soon as Discord has them, and a
 * message that will never be sent stores none. A spoiler is kept as Discord's older mark, the
 * beginning of its name, so that it needs no column.
 */
export function prepareOutboxFiles(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO outbox_file (outbox_row, position, account_id, name, alt, content_type, bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?)`;
  const select = sql`SELECT name, alt, content_type, bytes FROM outbox_file
     WHERE outbox_row = ? ORDER BY position`;
  const remove = sql`DELETE FROM outbox_file WHERE outbox_row = ?`;
  const clean = (text: string | undefined) => text === undefined ? null : withoutControls(text);
  return {
    /** Stores the files of a row, in the order of sending. `row` is its number. */
    insert(row: number, accountId: AccountId, files: readonly OutboundFile[]): void {
      for (const [position, { name, alt, isSpoiler, contentType, bytes }] of files.entries()) {
        const marked = isSpoiler ? `${SPOILER}${name}` : name;
        const words = [withoutControls(marked), clean(alt), clean(contentType)];
        insert.run(row, position, accountId, ...words, bytes);
      }
    },
    /** The files of a row, in the order of sending; none if they are deleted. */
    select: (row: number): readonly OutboundFile[] => select.all(row).map(readFile),
    /** Deletes the files of a row, if there are any. */
    delete(row: number): void {
      remove.run(row);
    },
  };
}

/** The result of an echo. It is empty if the echo is ours and its row was settled before. */
interface EchoResult {
  /** The channel of the row that the echo settles. */
  readonly settledIn?: ChannelId;
  /** Set if another program sent the message with our token. */
  readonly foreign?: Foreign;
}

const ECHOED = rows({
  id: integer(),
  channelId: snowflake<"channel">(),
  state: text(),
  messageId: optional(snowflake<"message">()),
  firstAttemptAt: optional(integer()),
  fileCount: integer(),
});

/**
 * Settles rows by the gateway's echoes of our own messages, within a transaction of the caller's. An
 * echo is a second acknowledgement, regardless of the row's state, and the only sign that another
 * program sends with our token (G11).
 */
export function prepareSettleEcho(database: DatabaseSync) {
  const sql = statementsOf(database);
  const select = sql`
    SELECT id, channel_id, state, message_id, first_attempt_at, file_count FROM outbox
    WHERE account_id = ? AND nonce = ?`;
  const settle = prepareSettle(database);
  return (accountId: AccountId, echo: Echo): EchoResult => {
    const { nonce, messageId, channelId } = echo;
    const match = nonce === undefined ? undefined : select.get(accountId, nonce);
    const row = match && ECHOED.read(match);
    const why = whyForeign(row, echo);
    const foreign: EchoResult = why ? { foreign: { messageId, channelId, why } } : {};
    if (!row || nonce === undefined) return foreign;
    const { id, channelId: target, fileCount } = row;
    const isNew = settle({ id, accountId, nonce, channelId: target, fileCount }, messageId);
    return { settledIn: isNew ? target : undefined, ...foreign };
  };
}

/** Why a message of our own user is not ours; `undefined` if it is ours. */
function whyForeign(
  row: ReturnType<typeof ECHOED.read> | undefined,
  { messageId, heardAt = Infinity }: Echo,
): Foreign["why"] | undefined {
  if (!row) return "unknown";
  if (row.state === "sent") {
    // If a message was deleted before Discord told its id, the id is not stored.
    return row.messageId === undefined || row.messageId === messageId ? undefined : "unknown";
  }
  if (row.firstAttemptAt === undefined) return "unsent";
  // Both times are of our own clock. The row may have become `sending` after the echo arrived.
  return heardAt < row.firstAttemptAt ? "early" : undefined;
}
