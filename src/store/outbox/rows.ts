/**
 * Adds frozen messages as rows of the outbox, and reads them again.
 *
 * The action of a row is decided only when the row is sent. A message that replaces a draft edits
 * the draft if Discord has it. If the draft was never posted, the message is posted. The draft is
 * older and of the same channel, so it is settled by then.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import type { Echo, Foreign } from "../../core/inbound/inbox.ts";
import {
  type Frozen,
  nonceOfRow,
  type OutboundFile,
  type OutboundMessage,
  type OutboxAction,
  type OutboxRow,
} from "../../core/outbound/outbound.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { statementsOf } from "../database/commits.ts";
import {
  bytes,
  type Column,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import { ENDS_WORDS } from "../sources/sources.ts";

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
function prepareInsertRow(database: DatabaseSync): (row: NewOutboxRow) => void {
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

/** A row to settle. Its number may belong to another row of the table, so the nonce names it. */
export interface Unsettled {
  readonly accountId: AccountId;
  readonly nonce: string;
  /** Number of the row in the table, used only to delete its files. */
  readonly id: number;
  /** Target channel of the message; a delivery there ends its parking. */
  readonly channelId: ChannelId;
  readonly fileCount: number;
}

/**
 * Settles a row whose message Discord has (T5), according to its answer, the gateway's echo, or the
 * channel's history, regardless of the row's state.
 *
 * @param messageId Absent if the message was deleted, or if there was none to send.
 * @returns Whether this call settled the row; `false` if it was settled before.
 */
export function prepareSettle(
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
function prepareNoteDelivered(database: DatabaseSync): (row: Unsettled) => void {
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

/**
 * Adds a message within a transaction of the caller's.
 *
 * @param now Unix time in milliseconds, for the age of an unsent message.
 * @param dropped Why it is on record only, and never sent, so that its person gets a word by direct
 * message; absent: it waits to be sent.
 * @throws {Error} If the account has a row with its nonce.
 * @returns The number of its row.
 */
type AddToOutbox = (frozen: Frozen, now: number, dropped?: string) => number;

const ID = rows({ id: integer() });

export function prepareAddToOutbox(database: DatabaseSync): AddToOutbox {
  const sql = statementsOf(database);
  const selectNext = sql.rows(ID.read)`SELECT COALESCE(MAX(id), 0) + 1 AS id FROM outbox`;
  const files = prepareOutboxFiles(database);
  const insert = prepareInsertRow(database);
  return ({ message: frozen, files: attached, draft }, now, dropped) => {
    const { id } = selectNext.one();
    const message = frozen.nonce === "" ? { ...frozen, nonce: nonceOfRow(id, now) } : frozen;
    insert({
      id,
      message,
      draft,
      fileCount: attached.length,
      createdAt: now,
      state: dropped === undefined ? "pending" : "dropped",
      refusal: dropped,
    });
    if (dropped === undefined) files.insert(id, message.accountId, attached);
    return id;
  };
}

/**
 * Adds a message within a transaction of the caller's, unless its account has a row with its nonce.
 *
 * @param now Unix time in milliseconds.
 * @param dropped As for {@link AddToOutbox}.
 * @returns The number of the new or existing row.
 */
export type AddOnce = (frozen: Frozen, now: number, dropped?: string) => number;

/** Prepares the statements that add a message once. */
export function prepareAddOnce(database: DatabaseSync): AddOnce {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const find = sql`SELECT id FROM outbox WHERE account_id = ? AND nonce = ?`;
  return (frozen, now, dropped) => {
    const { accountId, nonce } = frozen.message;
    const stored = nonce === "" ? undefined : find.get(accountId, nonce);
    return stored ? ID.read(stored).id : add(frozen, now, dropped);
  };
}

/** Columns of a query over `outbox AS o` with {@link JOIN_DRAFT}, for {@link toOutboxRow}. */
export const ROW_COLUMNS = `o.id, o.account_id, o.channel_id, o.nonce, o.message, o.file_count,
  o.first_attempt_at, o.failing_since, o.action, d.state AS draft_state, d.message_id AS draft_id`;

/** Joins the draft that a row replaces or removes, as `d`. */
export const JOIN_DRAFT =
  "LEFT JOIN outbox AS d ON d.account_id = o.account_id AND d.nonce = o.draft_nonce";

const words = z.string();
const messageSchema = z.looseObject({
  accountId: words,
  channelId: snowflakeSchema<"channel">(),
  guildId: snowflakeSchema<"guild">().optional(),
  nonce: words,
  content: words,
  footer: words.optional(),
  pings: z.looseObject({
    users: z.array(snowflakeSchema<"user">()),
    roles: z.array(snowflakeSchema<"role">()),
    quotedAuthor: z.boolean(),
  }),
  quote: snowflakeSchema<"message">().optional(),
  buttons: z.array(z.looseObject({ customId: words, label: words })).optional(),
  of: z.looseObject({ cause: snowflakeSchema<"message">(), kind: words }).optional(),
});

/**
 * The JSON of a stored message, written by {@link prepareAddToOutbox}. A damaged disk, or a program
 * of the operator, may have changed it.
 */
export const storedMessage = (): Column<OutboundMessage> => ({
  ...json<OutboundMessage>(),
  read(stored) {
    const message = parsed(stored);
    if (!messageSchema.safeParse(message).success) throw new RangeError(NO_MESSAGE);
    return message;
  },
});

const NO_MESSAGE = "Not a stored message";

function parsed(stored: unknown): OutboundMessage {
  try {
    return JSON.parse(String(stored));
  } catch {
    throw new RangeError(NO_MESSAGE);
  }
}

const ROW = rows({
  id: integer(),
  accountId: text(),
  channelId: text(),
  nonce: text(),
  message: storedMessage(),
  fileCount: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()),
  action: oneOf("post", "replace", "remove"),
  draftState: optional(text()),
  draftId: optional(snowflake<"message">()),
});

/**
 * Reads a row with the columns {@link ROW_COLUMNS}.
 *
 * @returns `undefined` if the row is damaged.
 */
export function readOutboxRow(row: unknown): OutboxRow | undefined {
  const whole = ROW.readIfWhole(row);
  if (!whole) return undefined;
  const { accountId, channelId, nonce, draftState, draftId, action, ...rest } = whole;
  const { message } = rest;
  const isItsMessage = message.accountId === accountId && message.channelId === channelId &&
    message.nonce === nonce;
  if (!isItsMessage) return undefined;
  return { ...rest, action: actionOf(action, draftState === "sent", draftId) };
}

/**
 * Reads a row with the columns {@link ROW_COLUMNS}.
 *
 * @throws {TypeError} If the row is damaged.
 */
export function toOutboxRow(row: unknown): OutboxRow {
  const read = readOutboxRow(row);
  if (!read) throw new TypeError("A row of the outbox is damaged; `barnacle outbox` shows it");
  return read;
}

/**
 * Prepares the statement that holds a damaged row as dead, within a transaction of the caller's.
 * Later rows of its channel then do not wait for it.
 */
export function prepareHoldDamaged(database: DatabaseSync): (row: unknown) => void {
  const sql = statementsOf(database);
  const hold = sql`UPDATE outbox SET state = 'dead', refusal = ?, owes = 'owner' WHERE id = ?`;
  return (row) => void hold.run(DAMAGED_ROW, ID.read(row).id);
}

/** Why a damaged row is held, for the operator. */
export const DAMAGED_ROW = "its record in the store is damaged";

/**
 * Decides the action of a row.
 *
 * - A posted draft is edited or deleted.
 * - If a person deleted the draft before Discord told its id, nothing is posted in its place: that
 *   would undo a moderator's decision (D2).
 * - If a draft was never posted, the message is posted, and there is nothing to remove. The same
 *   holds if Barnacle cannot tell: the message has another nonce, and people must get the answer.
 */
function actionOf(
  action: ReturnType<typeof ROW.read>["action"],
  isThere: boolean,
  messageId: MessageId | undefined,
): OutboxAction {
  if (action === "post" || (action === "replace" && !isThere)) return { kind: "post" };
  if (messageId === undefined) return { kind: "nothing" };
  return { kind: action === "replace" ? "edit" : "delete", messageId };
}
