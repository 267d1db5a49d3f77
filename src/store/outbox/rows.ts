/**
 * Adds frozen messages as rows of the outbox, and reads them again.
 *
 * The action of a row is decided only when the row is sent. A message that replaces a draft edits
 * the draft if Discord has it. If the draft was never posted, the message is posted. The draft is
 * older and of the same channel, so it is settled by then.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import { z } from "zod";
import type { MessageId } from "../../core/discord/ids.ts";
import { nonceOfRow } from "../../core/outbound/nonce.ts";
import type {
  Frozen,
  OutboundMessage,
  OutboxAction,
  OutboxRow,
} from "../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareInsertRow, prepareOutboxFiles } from "./outbox_rows.ts";
import {
  type Column,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";

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
