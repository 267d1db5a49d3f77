/**
 * `store.outbox`: stored messages on their way to Discord.
 *
 * The end of a turn adds rows inside its transaction. Notices and commands add rows, too. A row
 * stays open until Discord has its message.
 *
 * The action of a row is decided only when the row is sent: its draft is older and of the same
 * channel, so it is settled by then.
 *
 * A turn's messages replace its drafts (R8). If the channel's queue has a bound and is full, they
 * are kept as dropped (D4).
 *
 * Attempts are an intent (T4), an end (T5), refusals and failures. A command may release a row
 * while it is sent, so each change names the row's nonce and the state it changes. A channel in
 * which Discord does not let the bot post is parked until that changes (D5, R11). When it is tried
 * again, its record stays until a message arrives there, or for a day: a new refusal within that
 * time has the same cause, and the operator gets no second notice.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import type { Echo, FinishedTurn, Foreign } from "../../core/inbound/inbox.ts";
import {
  type AnswerMessage,
  type DraftRow,
  type Frozen,
  nonceOfRow,
  type OutboundFile,
  type OutboundKind,
  type OutboundMessage,
  type OutboxAction,
  type OutboxRow,
  placeDrafts,
  removalOf,
  withoutPersonal,
} from "../../core/outbound/outbound.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import {
  COMMIT_OPTIONS,
  type CommitOptions,
  statementsOf,
  type Transactions,
  UNNAMED,
} from "../database/commits.ts";
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
import { OUTBOX, OUTBOX_FILE } from "../schema/outbox.ts";
import { ENDS_WORDS } from "../sources/sources.ts";

export function createOutbox(transactions: Transactions) {
  return {
    ...createAdditions(transactions),
    ...createAttemptRows(transactions),
    ...createFileRemoval(transactions),
    ...createHeads(transactions),
    ...createHeldRows(transactions),
    ...createOwed(transactions),
    ...createParkedChannels(transactions),
    ...createSendResults(transactions),
  };
}

const ACTIONS = { this: "replace", nothing: "remove" } as const;

/** A row to settle. Its number may belong to another row of the table, so the nonce names it. */
interface Unsettled {
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
function prepareSettle(
  database: DatabaseSync,
): (row: Unsettled, messageId: MessageId | undefined) => boolean {
  const sql = statementsOf(database);
  const files = prepareOutboxFiles(database);
  const forgetParked = sql`DELETE FROM parked_channel WHERE account_id = ? AND channel_id = ?`;
  const endFailing = sql`UPDATE outbox SET failing_since = NULL
     WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`;
  const settle = sql`
    UPDATE outbox SET state = 'sent', message_id = ?, failing_since = NULL, ${ENDS_WORDS}
    WHERE account_id = ? AND nonce = ? AND state <> 'sent'`;
  return ({ id, accountId, channelId, nonce, fileCount }, messageId) => {
    if (settle.run(messageId ?? null, accountId, nonce).changes === 0) return false;
    if (fileCount > 0) files.delete(id);
    // A message has arrived in the channel: those that wait there are not failing any more.
    if (messageId !== undefined && forgetParked.run(accountId, channelId).changes > 0) {
      endFailing.run(accountId, channelId);
    }
    return true;
  };
}

const FILE = OUTBOX_FILE.without("outboxRow", "position", "accountId");

function readFile(row: unknown): OutboundFile {
  const { bytes, ...rest } = FILE.read(row);
  return { ...rest, bytes: new Uint8Array(bytes) }; // a copy: SQLite's may be in shared memory
}

/**
 * Stores the bytes of unsent files.
 *
 * Files are most of a message's size. So they are deleted as soon as Discord has them, and a
 * message that will never be sent stores none.
 */
function prepareOutboxFiles(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = OUTBOX_FILE.prepareInsert(database);
  const select = sql`
    SELECT ${FILE.columns()} FROM outbox_file WHERE outbox_row = ? ORDER BY position`;
  const remove = sql`DELETE FROM outbox_file WHERE outbox_row = ?`;
  const clean = (text: string | undefined) => text && withoutControls(text);
  return {
    /** Stores the files of a row, in the order of sending. `row` is its number. */
    insert(row: number, accountId: AccountId, files: readonly OutboundFile[]): void {
      for (const [position, { name, alt, contentType, ...file }] of files.entries()) {
        const words = {
          name: withoutControls(name),
          alt: clean(alt),
          contentType: clean(contentType),
        };
        insert({ outboxRow: row, position, accountId, ...words, ...file });
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

const ROW_ID = rows({ id: integer() });

/** Prepares the statements that add a message, within transactions of the caller's. */
export function prepareAddToOutbox(database: DatabaseSync) {
  const sql = statementsOf(database);
  const selectNext = sql.rows(ROW_ID.read)`SELECT COALESCE(MAX(id), 0) + 1 AS id FROM outbox`;
  const files = prepareOutboxFiles(database);
  const insert = sql`
    INSERT INTO outbox (id, account_id, channel_id, nonce, state, kind, cause_id, action,
                        draft_nonce, file_count, created_at, refusal, owes, message)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  /**
   * @param now Unix time in milliseconds, for the age of an unsent message.
   * @param dropped Why it is on record only, and never sent, so that its person gets a word by direct
   * message; absent: it waits to be sent.
   * @throws {Error} If the account has a row with its nonce.
   * @returns The number of its row.
   */
  return ({ message: frozen, files: attached, draft }: Frozen, now: number, dropped?: string) => {
    const { id } = selectNext.one();
    const message = frozen.nonce === "" ? { ...frozen, nonce: nonceOfRow(id, now) } : frozen;
    const { accountId, channelId, nonce, of } = message;
    const isDropped = dropped !== undefined;
    const action = draft ? ACTIONS[draft.becomes] : "post";
    insert.run(
      ...[id, accountId, channelId, nonce, isDropped ? "dropped" : "pending", of?.kind ?? null],
      ...[of?.cause ?? null, action, draft?.nonce ?? null, attached.length, now, dropped ?? null],
      ...[isDropped ? "direct" : null, JSON.stringify(message)],
    );
    if (!isDropped) files.insert(id, accountId, attached);
    return id;
  };
}

/** As {@link prepareAddToOutbox}, unless the account has a row with its nonce: that row stays. */
export function prepareAddOnce(database: DatabaseSync) {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const find = sql`SELECT id FROM outbox WHERE account_id = ? AND nonce = ?`;
  /** @returns The number of the new or existing row. */
  return (frozen: Frozen, now: number, dropped?: string): number => {
    const { accountId, nonce } = frozen.message;
    const stored = nonce === "" ? undefined : find.get(accountId, nonce);
    return stored ? ROW_ID.read(stored).id : add(frozen, now, dropped);
  };
}

/** Columns of a query over `outbox AS o` with {@link JOIN_DRAFT}, for {@link toOutboxRow}. */
const ROW_COLUMNS = `o.id, o.account_id, o.channel_id, o.nonce, o.message, o.file_count,
  o.first_attempt_at, o.failing_since, o.action, d.state AS draft_state, d.message_id AS draft_id`;

/** Joins the draft that a row replaces or removes, as `d`. */
const JOIN_DRAFT =
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

const STORED_ROW = rows({
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
function readOutboxRow(row: unknown): OutboxRow | undefined {
  const whole = STORED_ROW.readIfWhole(row);
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
function toOutboxRow(row: unknown): OutboxRow {
  const read = readOutboxRow(row);
  if (!read) throw new TypeError("A row of the outbox is damaged; `barnacle outbox` shows it");
  return read;
}

/**
 * Prepares the statement that holds a damaged row as dead, within a transaction of the caller's.
 * Later rows of its channel then do not wait for it.
 */
function prepareHoldDamaged(database: DatabaseSync): (row: unknown) => void {
  const sql = statementsOf(database);
  const hold = sql`UPDATE outbox SET state = 'dead', refusal = ?, owes = 'owner' WHERE id = ?`;
  return (row) => void hold.run(DAMAGED_ROW, ROW_ID.read(row).id);
}

/** Why a damaged row is held, for the operator. */
const DAMAGED_ROW = "its record in the store is damaged";

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
  action: ReturnType<typeof STORED_ROW.read>["action"],
  isThere: boolean,
  messageId: MessageId | undefined,
): OutboxAction {
  if (action === "post" || (action === "replace" && !isThere)) return { kind: "post" };
  if (messageId === undefined) return { kind: "nothing" };
  return { kind: action === "replace" ? "edit" : "delete", messageId };
}

/** The first way to tell of a lost message: in its place, by direct message, or to the owners. */
export type Door = "place" | "direct" | "owner";

/** SQL for the kinds of messages that a person waits for. */
const FOR_PEOPLE = "'reply', 'failure', 'notice', 'word'";

const OWED = rows({
  id: integer(),
  channelId: snowflake<"channel">(),
  guildId: optional(snowflake<"guild">()),
  kind: optional(text()),
  state: text(),
  owes: oneOf("place", "direct", "owner"),
  refusal: optional(text()),
  reminder: json<readonly string[]>(), // the unsent messages of a reminder's own text; else empty
  draftNonce: optional(text()), // that it would have replaced
  causeId: optional(snowflake<"message">()),
  personId: optional(snowflake<"user">()), // who caused it; absent for events, and for other bots
});

/** A message that is lost, or waits, of which no one knows yet. */
export type OwedRow = ReturnType<typeof OWED.read>;

function createOwed({ database, sql, commit, read }: Transactions) {
  const addOnce = prepareAddOnce(database);
  const select = sql.rows(OWED.read)`
    SELECT o.id, o.channel_id, o.kind, o.state, o.owes, o.refusal, o.cause_id,
      IIF(json_valid(o.message), o.message ->> '$.guildId', NULL) AS guild_id,
      IIF(o.action = 'replace', o.draft_nonce, NULL) AS draft_nonce,
      COALESCE(
        (SELECT message ->> '$.sender.id' FROM inbox WHERE message_id = o.cause_id
           AND message ->> '$.sender.automaton' IS NULL),
        s.creator_id) AS person_id,
      (SELECT json_group_array(message ->> '$.content' ORDER BY id) FROM outbox
         WHERE cause_id = o.cause_id AND kind = 'notice' AND state <> 'sent' AND json_valid(message)
           AND o.kind = 'notice' AND s.kind = 'reminder') AS reminder
    FROM outbox AS o
      LEFT JOIN schedule_run AS r ON r.message_id = o.cause_id
      LEFT JOIN schedule AS s ON s.id = r.schedule_row
    WHERE o.account_id = ? AND o.owes IN ('place', 'direct', 'owner') AND o.state <> 'sent'
      AND NOT (o.owes = 'owner' AND o.state IN ('pending', 'sending')) -- owners have read that it waits
      AND (o.kind IS NOT 'word' OR EXISTS ( -- the same of the others with its cause
        SELECT 1 FROM outbox AS its WHERE its.cause_id = o.cause_id AND its.kind <> 'word'
          AND its.state IN ('dead', 'uncertain', 'dropped')))
      AND NOT EXISTS ( -- a mark under an answer that people have
        SELECT 1 FROM outbox AS its WHERE its.account_id = o.account_id AND its.nonce = o.draft_nonce
          AND its.kind = o.kind AND json_valid(its.message) AND json_valid(o.message)
          AND its.message ->> '$.of.revision' = o.message ->> '$.of.revision')
    ORDER BY o.id`;
  const leave = sql`UPDATE outbox SET owes = 'owner' WHERE id = ?`;
  const tellRow = sql`UPDATE outbox SET owes = 'told' WHERE id = ?`;
  const tellCause = sql`
    UPDATE outbox SET owes = 'told' WHERE cause_id = ? AND kind IN (${FOR_PEOPLE}) AND kind <> 'word'`;
  const drop = sql`UPDATE outbox SET state = 'dropped' WHERE cause_id = ? AND state <> 'sent'`;
  return {
    /** Messages that are lost, or wait in a place that refuses them, of which no one knows. */
    owed: (accountId: AccountId): Promise<readonly OwedRow[]> => read(() => select.all(accountId)),
    /** Stores that the person of a message cannot be told. */
    unreachable: ({ id }: OwedRow) => commit(UNNAMED, () => void leave.run(id)),
    /**
     * Stores that people know of a message, and of the others with its cause.
     *
     * @param word Tells them so. It has the text of a reminder, which goes nowhere else then.
     */
    told: ({ id, causeId, reminder }: OwedRow, word: readonly Frozen[], now: number) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        tellRow.run(id);
        if (causeId !== undefined) tellCause.run(causeId);
        if (causeId !== undefined && reminder.length > 0 && word.length > 0) drop.run(causeId);
        for (const frozen of word) addOnce(frozen, now);
      }),
  };
}

/**
 * Selects a row by its nonce, because its number in memory may belong to another row of the table.
 */
const THIS = "account_id = :accountId AND nonce = :nonce";

/** A word is given once: the first way to give it stays, and one that was given. */
const OWES = "owes = COALESCE(owes, :door)";

function keyOf({ message: { accountId, nonce } }: OutboxRow) {
  return { accountId, nonce };
}

function createAttemptRows({ database, sql, commit }: Transactions) {
  const settle = prepareSettle(database);
  const markSending = sql`UPDATE outbox
     SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, :now),
         action = IIF(:isPost, 'post', action), next_attempt_at = NULL
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markRefused = sql`UPDATE outbox
     SET state = IIF(:firstAttemptAt IS NULL, 'pending', 'sending'),
         first_attempt_at = :firstAttemptAt,
         failing_since = COALESCE(failing_since, :now),
         refusal = :reason
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markFailing = sql`UPDATE outbox SET failing_since = COALESCE(failing_since, :now)
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markWaiting = sql`UPDATE outbox SET refusal = :reason, next_attempt_at = :nextAttemptAt
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const shiftFailing = sql`UPDATE outbox SET failing_since = failing_since + :byMs
     WHERE account_id = :accountId AND state IN ('pending', 'sending') AND failing_since <= :until`;
  const markAbsent = sql`UPDATE outbox SET state = 'pending', first_attempt_at = NULL
     WHERE ${THIS} AND state = 'sending'`;
  const markDead = sql`UPDATE outbox SET state = 'dead', refusal = :reason, ${OWES}, ${ENDS_WORDS}
     WHERE ${THIS} AND state IN ('pending', 'sending')`;
  const markUncertain = sql`
    UPDATE outbox SET state = 'uncertain', refusal = :reason, ${OWES}, ${ENDS_WORDS}
    WHERE ${THIS} AND state = 'sending'`;

  /** Changes a row, unless it is settled by now. */
  const change = (run: () => unknown): Promise<void> => commit(UNNAMED, () => void run());

  return {
    /**
     * T4: Discord may have the message from now on.
     *
     * @param now Stored for the first attempt only.
     * @returns Whether the row was still to be sent.
     */
    markSending: (row: OutboxRow, now: number) =>
      commit(COMMIT_OPTIONS.T4, () => {
        // A message posted in a draft's place stays a post, even if the draft appears later.
        const isPost = row.action.kind === "post" ? 1 : 0;
        return markSending.run({ ...keyOf(row), now, isPost }).changes > 0;
      }),
    /**
     * T5: Discord has the message, or had it before it was deleted. Its files are deleted.
     *
     * @returns Whether this call settled the row; the gateway's echo may have settled it before.
     */
    markSent: (row: OutboxRow, messageId?: MessageId) =>
      commit(COMMIT_OPTIONS.T5, () => settle(unsettledOf(row), messageId)),
    /**
     * Takes T4 back, because this attempt created no message. An earlier attempt may have created
     * one.
     *
     * @param reason Discord's refusal, for the operator.
     */
    markRefused: (row: OutboxRow, reason: string, now: number) =>
      change(() => {
        const { firstAttemptAt = null } = row;
        return markRefused.run({ ...keyOf(row), firstAttemptAt, reason, now });
      }),
    /**
     * Notes that an attempt got no answer. T4 stays. The row is failing from now on, unless it
     * already was.
     */
    markFailing: (row: OutboxRow, now: number) =>
      change(() => markFailing.run({ ...keyOf(row), now })),
    /**
     * Stores why an unsent row waits.
     *
     * @param reason For the operator.
     * @param nextAttemptAt Unix time in milliseconds of the next attempt.
     */
    markWaiting: (row: OutboxRow, reason: string, nextAttemptAt: number) =>
      change(() => markWaiting.run({ ...keyOf(row), reason, nextAttemptAt })),
    /**
     * Shifts times after the clock was set forward. Each row that has been failing since `until` or
     * earlier starts `byMs` later. So it has been failing for as long as before.
     */
    shiftFailing: (accountId: AccountId, byMs: number, until: number): Promise<void> =>
      change(() => shiftFailing.run({ accountId, byMs, until })),
    /** Takes all attempts back, because the channel's history shows that none has succeeded. */
    markAbsent: (row: OutboxRow) => change(() => markAbsent.run(keyOf(row))),
    /**
     * Gives up a row that Discord will never accept. The row stays on record for the operator, and
     * later rows do not wait for it.
     *
     * @param reason Discord's refusal, for the operator.
     * @param door The first way to tell of that; absent: no one needs to know.
     */
    markDead: (row: OutboxRow, reason: string, door?: Door) =>
      change(() => markDead.run({ ...keyOf(row), reason, door: door ?? null })),
    /**
     * Holds a row, because Barnacle cannot tell whether Discord has it. The operator sees it, and it
     * is not sent (D2).
     *
     * @param reason For the operator.
     * @param door As for `markDead`.
     */
    markUncertain: (row: OutboxRow, reason: string, door?: Door) =>
      change(() => markUncertain.run({ ...keyOf(row), reason, door: door ?? null })),
  };
}

function unsettledOf(row: OutboxRow): Unsettled {
  const { id, message: { channelId }, fileCount } = row;
  return { id, ...keyOf(row), channelId, fileCount };
}

/**
 * Makes the SQL condition that the channel of `row`, a row of the account `:accountId`, is not
 * parked.
 */
function isNotParked(row: string): string {
  return `${row}.channel_id NOT IN (
    SELECT p.channel_id FROM parked_channel AS p
    WHERE p.account_id = :accountId AND p.is_parked = 1
  )`;
}

const PARKED = rows({
  channelId: snowflake<"channel">(),
  reason: text(), // "cannot post in #ops: Send Messages is denied for the role Krill"
  since: integer(), // when it was first parked
  waiting: integer(),
});

/** A channel in which Discord does not let the bot post, with the number of unsent messages. */
export type ParkedChannel = ReturnType<typeof PARKED.read>;

const REPORTED = rows({ wasReported: integer() });

function createParkedChannels({ sql, commit, read }: Transactions) {
  const selectWasReported = sql`
    SELECT is_parked = 1 OR refused_at > :now - ${DAY_MS} AS was_reported FROM parked_channel
    WHERE account_id = :accountId AND channel_id = :channelId`;
  const park = sql`INSERT INTO parked_channel
       (account_id, channel_id, reason, is_parked, since, refused_at, next_try_at)
     VALUES (:accountId, :channelId, :reason, 1, :now, :now, :nextTryAt)
     ON CONFLICT (account_id, channel_id) DO UPDATE
     SET reason = excluded.reason, is_parked = 1, refused_at = excluded.refused_at,
         next_try_at = excluded.next_try_at,
         since = IIF(:wasReported, since, :now)`;
  const noteFailing = sql`UPDATE outbox SET failing_since = :now
     WHERE account_id = :accountId AND channel_id = :channelId
       AND state IN ('pending', 'sending') AND failing_since IS NULL`;
  // Of direct messages, the notice about the place tells.
  const noteOwed = sql`
    UPDATE outbox SET owes = IIF(json_valid(message) AND message ->> '$.guildId' IS NULL, 'told', 'direct')
     WHERE account_id = :accountId AND channel_id = :channelId AND owes IS NULL
       AND state IN ('pending', 'sending') AND kind IN (${FOR_PEOPLE}) AND action <> 'remove'`;
  const areParked = `account_id = :accountId AND is_parked = 1
    AND (:channels IS NULL OR channel_id IN (SELECT value FROM json_each(:channels)))`;
  const selectUnparked = sql`SELECT 1 FROM parked_channel WHERE ${areParked} LIMIT 1`;
  const unpark = sql`UPDATE parked_channel SET is_parked = 0 WHERE ${areParked}`;
  const selectParked = sql.rows(PARKED.read)`SELECT channel_id, reason, since, waiting FROM (
       SELECT p.*, (
         SELECT COUNT(*) FROM outbox AS o
         WHERE o.account_id = p.account_id AND o.channel_id = p.channel_id
           AND o.state IN ('pending', 'sending')
       ) AS waiting
       FROM parked_channel AS p WHERE account_id = :accountId
     )
     WHERE is_parked = 1 OR waiting > 0 OR refused_at > :now - ${DAY_MS}
     ORDER BY since, channel_id`;

  return {
    /**
     * Parks a channel. All of its waiting messages are failing from now on, unless they already were,
     * and people who wait for them are owed a word.
     *
     * @param refusal `reason` is for the operator. `nextTryAt` is the time at which the channel is tried
     * again at the latest.
     * @returns Whether to notify the operator: not if a notice was sent and nothing has changed
     * since.
     */
    park: (
      accountId: AccountId,
      channelId: ChannelId,
      { reason, now, nextTryAt }: {
        readonly reason: string;
        readonly now: number;
        readonly nextTryAt: number;
      },
    ) =>
      commit(UNNAMED, () => {
        const row = selectWasReported.get({ accountId, channelId, now });
        const wasReported = row ? REPORTED.read(row).wasReported : 0;
        park.run({ accountId, channelId, reason, now, nextTryAt, wasReported });
        noteFailing.run({ accountId, channelId, now });
        noteOwed.run({ accountId, channelId });
        return wasReported === 0;
      }),
    /**
     * Lets channels be tried again. Costs almost nothing if none of them is parked.
     *
     * @returns Number of channels that were parked.
     */
    async unpark(accountId: AccountId, channels: readonly ChannelId[] | "all") {
      const selection = {
        accountId,
        channels: channels === "all" ? null : JSON.stringify(channels),
      };
      // Runs for each message, so it must be cheap.
      if (!await read(() => selectUnparked.get(selection))) return 0;
      return commit(UNNAMED, () => Number(unpark.run(selection).changes));
    },
    /**
     * The channels that refuse, the longest parked first. A channel that is tried again stays in the
     * list until a message arrives there. Without waiting messages, it stays for a day after its last
     * refusal.
     */
    parked: (accountId: AccountId, now: number): Promise<readonly ParkedChannel[]> =>
      read(() => selectParked.all({ accountId, now })),
  };
}

/**
 * Adds a turn's messages within a transaction of the caller's.
 *
 * @param maxWaiting Maximum number of the channel's waiting messages; absent: no bound.
 */
export function prepareAddTurn(
  database: DatabaseSync,
): (turn: FinishedTurn, now: number, maxWaiting?: number) => void {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const draftsOf = prepareDraftsOf(database);
  const withdraw = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND ${IS_UNTRIED}`;
  const countWaiting = sql`
    SELECT COUNT(*) FILTER (WHERE ${IS_UNTRIED} AND kind IS NOT 'draft') AS count FROM outbox
    WHERE account_id = ? AND channel_id = ? AND state IN ('pending', 'sending')`;

  function isFull([first, ...others]: readonly Frozen[], maxWaiting: number): boolean {
    if (!first) return false;
    const { accountId, channelId } = first.message;
    const { count } = WAITS.read(countWaiting.get(accountId, channelId));
    return count + 1 + others.length > maxWaiting;
  }

  return (turn, now, maxWaiting = Infinity) => {
    const drops = maxWaiting !== Infinity && isFull(turn.outbox, maxWaiting);
    const { message: { accountId, id: messageId }, route: { agentId } } = turn.claim;
    const drafts = draftsOf({ accountId, messageId, agentId });
    const placed = placeDrafts(drafts, drops ? [] : turn.outbox);
    for (const nonce of placed.withdraw) withdraw.run(accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    if (!drops) return;
    const dropped = `${maxWaiting} messages of its channel wait already`;
    for (const frozen of turn.outbox) add(frozen, now, dropped);
  };
}

/** SQL condition for rows that Discord cannot have. Refused rows are such rows, too. */
const IS_UNTRIED = "state = 'pending'";

const WAITS = rows({ count: integer() });

interface DraftsTurn {
  readonly accountId: string;
  readonly messageId: string;
  readonly agentId: string;
}

const OF_TURN = rows({
  message: storedMessage(),
  state: oneOf("pending", "sending", "sent"),
  messageId: optional(snowflake<"message">()),
});

const DRAFT_STATES = { pending: "untried", sending: "open", sent: "there" } as const;

function prepareDraftsOf(database: DatabaseSync): (turn: DraftsTurn) => readonly DraftRow[] {
  const sql = statementsOf(database);
  const select = sql`SELECT message, state, message_id FROM outbox
     WHERE kind = 'draft' AND account_id = ? AND cause_id = ? AND action = 'post'
       AND state IN ('pending', 'sending', 'sent')
     ORDER BY id`;
  return ({ accountId, messageId, agentId }) =>
    select.all(accountId, messageId).flatMap((row): readonly DraftRow[] => {
      const { message, state, messageId: postedAs } = OF_TURN.read(row);
      const { of, nonce, ...rest } = message;
      if (of?.agentId !== agentId) return [];
      return [{ message: { ...rest, nonce, of }, state: DRAFT_STATES[state], messageId: postedAs }];
    });
}

/**
 * Prepares the removal of a turn's drafts, if the turn ends without an answer. They belong to the
 * message that the turn began with, whatever its text is now. Those without an attempt are withdrawn;
 * a row deletes each other one. It tells whether there was one to delete.
 */
export function prepareRemoveDrafts(database: DatabaseSync) {
  const sql = statementsOf(database);
  const draftsOf = prepareDraftsOf(database);
  const add = prepareAddToOutbox(database);
  const withdraw = sql`
    UPDATE outbox SET state = 'withdrawn' WHERE account_id = ? AND nonce = ? AND state = 'pending'`;
  return (turn: DraftsTurn, now: number): boolean => {
    const drafts = draftsOf(turn);
    if (drafts.length === 0) return false;
    const placed = placeDrafts(drafts, []);
    for (const nonce of placed.withdraw) withdraw.run(turn.accountId, nonce);
    for (const frozen of placed.outbox) add(frozen, now);
    return placed.outbox.length > 0;
  };
}

const ROW = rows({
  message: storedMessage(),
  state: oneOf("pending", "sending", "sent"),
  action: oneOf("post", "replace"),
  messageId: optional(snowflake<"message">()),
});

interface AnswersOf {
  readonly accountId: AccountId;
  readonly causes: readonly MessageId[];
}

/** Finds the messages at Discord that show the answer of a turn now, within the caller's transactions. */
function prepareCurrentAnswer(
  database: DatabaseSync,
): (of: AnswersOf) => readonly AnswerMessage[] {
  const sql = statementsOf(database);
  const select = sql`SELECT message, state, action, message_id FROM outbox AS o
     WHERE cause_id IN (SELECT value FROM json_each(:causes)) AND +account_id = :accountId
       AND kind IN ('reply', 'failure') AND action <> 'remove'
       AND state IN ('pending', 'sending', 'sent')
       AND NOT EXISTS (
         SELECT 1 FROM outbox AS later
         WHERE later.cause_id IN (SELECT value FROM json_each(:causes))
           AND +later.account_id = :accountId AND later.draft_nonce = o.nonce
           AND later.state IN ('pending', 'sending', 'sent')
       )
     ORDER BY id`;
  return ({ accountId, causes }) =>
    select.all({ accountId, causes: JSON.stringify(causes) }).flatMap((row) => {
      const { message, state, action, messageId } = ROW.read(row);
      const { of, ...rest } = message;
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

/** A message that is not sent. Times are Unix times in milliseconds. */
export interface OpenRow {
  readonly id: number;
  readonly channelId: ChannelId;
  /** `parked`: it waits in a channel in which Discord does not let the bot post. */
  readonly state: "pending" | "sending" | "parked" | "uncertain" | "dead";
  /** Absent for messages that answer no one. */
  readonly kind?: OutboundKind;
  /** The first characters of its text. */
  readonly preview: string;
  /** Length of the whole text in UTF-16 units. */
  readonly chars: number;
  /** Number of files that the message was stored with. */
  readonly fileCount: number;
  readonly createdAt: number;
  /** When Discord may first have got it; absent before the first attempt. */
  readonly firstAttemptAt?: number;
  /** Since when no attempt has succeeded; absent if the row is not failing. */
  readonly failingSince?: number;
  /** Why the last attempt failed, or why its channel is parked. Absent without either. */
  readonly reason?: string;
  /** When Barnacle tries it again, at the latest; absent while it does, and after the last try. */
  readonly nextAttemptAt?: number;
  /** Number of the first unsent message of its channel, if it waits for that one. */
  readonly behind?: number;
}

export type SendResult =
  /** Sent; without `messageId` if the message was deleted before Discord told its id. */
  | { readonly id: number; readonly kind: "sent"; readonly messageId?: MessageId }
  /**
   * Not sent. `held`: Barnacle cannot tell whether Discord has it. The reason is Discord's last
   * refusal, or why the channel is parked.
   */
  | { readonly id: number; readonly kind: "waits" | "failed" | "held"; readonly reason?: string };

const MESSAGE = rows({ message: storedMessage() });
const ASKED = rows({ messageId: snowflake<"message">(), channelId: snowflake<"channel">() });
const KNOWN = rows({ messageId: snowflake<"message">() });

function createHeads({ database, sql, read, commit }: Transactions) {
  const files = prepareOutboxFiles(database);
  const selectRow = `SELECT ${ROW_COLUMNS} FROM outbox AS o ${JOIN_DRAFT}`;
  const selectHeads = sql`${selectRow}
     WHERE o.id IN (
       SELECT MIN(u.id) FROM outbox AS u
       WHERE u.account_id = :accountId AND u.state IN ('pending', 'sending') AND ${isNotParked("u")}
       GROUP BY u.channel_id
     )
     ORDER BY o.id`;
  const selectHead = sql`${selectRow}
     WHERE o.account_id = :accountId AND o.channel_id = :channelId
       AND o.state IN ('pending', 'sending') AND ${isNotParked("o")}
     ORDER BY o.id LIMIT 1`;
  const holdDamaged = prepareHoldDamaged(database);
  const selectKnown = sql`SELECT message_id FROM outbox
     WHERE message_id IN (SELECT value FROM json_each(?)) AND channel_id = ?`;
  const selectMessages = sql`SELECT message FROM outbox WHERE message_id = ? ORDER BY id DESC`;
  const current = prepareCurrentAnswer(database);
  const selectTurn = sql.rows(ASKED.read)`
    SELECT message_id, channel_id FROM inbox WHERE message_id = :id OR turn_of = :id`;
  const selectEdit = sql`SELECT 1 FROM outbox WHERE cause_id = ? AND draft_nonce = ?`;
  const selectNonce = sql`SELECT 1 FROM outbox WHERE account_id = ? AND nonce = ?`;
  const selectCallers = sql.rows(KNOWN.read)`SELECT DISTINCT cause_id AS message_id FROM outbox
     WHERE account_id = ? AND kind = 'tool' AND created_at >= ? AND cause_id IS NOT NULL`;

  /** Selects rows until none is damaged. A damaged index may show a held row again. */
  async function readRows(select: () => readonly unknown[]): Promise<readonly OutboxRow[]> {
    const held = new Set<unknown>();
    for (;;) {
      const found = await read(() => select().map((row) => ({ row, data: readOutboxRow(row) })));
      const damaged = found.flatMap(({ row, data }) => data ? [] : [row]);
      const isNew = damaged.some((row) => !held.has(JSON.stringify(row)));
      if (!isNew) return found.flatMap(({ data }) => data ?? []);
      for (const row of damaged) held.add(JSON.stringify(row));
      await commit(COMMIT_OPTIONS.BY_HAND, () => damaged.forEach(holdDamaged));
    }
  }

  return {
    /**
     * The first unsent row of each channel that is not parked. It blocks the rest of that channel
     * only. A damaged row is held as dead, and the next one is the first.
     *
     * @param channels Distinct channels to read; all if absent, which costs more.
     */
    heads: (accountId: AccountId, channels?: readonly ChannelId[]): Promise<readonly OutboxRow[]> =>
      readRows(() =>
        channels?.flatMap((channelId) => selectHead.all({ accountId, channelId })) ??
          selectHeads.all({ accountId })
      ),
    /** The files of a row in the order of sending; none once the row is sent. */
    filesOf: ({ id, fileCount }: OutboxRow): Promise<readonly OutboundFile[]> =>
      read(() => fileCount === 0 ? [] : files.select(id)),
    /**
     * The footer of a message of ours, for readers of Discord's text; `undefined` if it has none. A
     * draft and the answer that replaced it have the same id; a draft has none.
     */
    footerOf: (messageId: MessageId): Promise<string | undefined> =>
      read(() =>
        selectMessages.all(messageId)
          .map((row) => MESSAGE.readIfWhole(row)?.message.footer)
          .find((footer) => footer !== undefined)
      ),
    /**
     * The message at Discord with the footer or the buttons of a turn's answer, and the channel of the
     * question. `undefined` if there is none, or if an edit of it came to nothing: a further one would.
     */
    underAnswer: (accountId: AccountId, turnId: MessageId) =>
      read(() => {
        const asked = selectTurn.all({ id: turnId });
        const causes = [turnId, ...asked.map(({ messageId }) => messageId)];
        const { message, state, messageId } = current({ accountId, causes })
          .findLast(({ message: { footer, buttons } }) => footer ?? buttons) ?? {};
        const isThere = message && state === "there" && messageId !== undefined;
        if (!isThere || selectEdit.get(message.of.cause, message.nonce)) return undefined;
        return { message, askedIn: asked[0]?.channelId ?? message.channelId };
      }),
    /** Whether there is a message with a nonce, in any state. */
    has: (accountId: AccountId, nonce: string): Promise<boolean> =>
      read(() => selectNonce.get(accountId, nonce) !== undefined),
    /** Turns whose calls have stored messages since a time. */
    callersSince: (accountId: AccountId, since: number): Promise<readonly MessageId[]> =>
      read(() => selectCallers.all(accountId, since).map(({ messageId }) => messageId)),
    /**
     * Finds our own messages among those of a channel.
     *
     * @returns Ids of the messages that are ours, as far as Discord has told them.
     */
    known: (
      channelId: ChannelId,
      messageIds: readonly MessageId[],
    ): Promise<ReadonlySet<MessageId>> =>
      read(() => {
        const rows = selectKnown.all(JSON.stringify(messageIds), channelId);
        return new Set(rows.map((row) => KNOWN.read(row).messageId));
      }),
  };
}

/** Maximum number of characters (code points) of a preview. */
export const PREVIEW_CHARS = 80;

const OPEN = rows({
  id: integer(),
  channelId: snowflake<"channel">(),
  state: oneOf("pending", "sending", "uncertain", "dead"),
  fileCount: integer(),
  createdAt: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()),
  nextAttemptAt: optional(integer()),
  refusal: optional(text()),
  message: storedMessage(),
  parkedFor: optional(text()),
  nextTryAt: optional(integer()),
});

const DAMAGED = rows({ id: integer(), channelId: text() });
const STATE = rows({ state: oneOf("pending", "sending", "uncertain", "dead") });
const COUNTED = rows({ fileCount: integer() });
const DATED = rows({ createdAt: integer() });

/**
 * Shows unsent messages to the operator, and stores the operator's decisions about them, which the
 * bot may not make itself (D2).
 *
 * A decision depends on the current state of the row, because the running bot may be sending it.
 */
function createHeldRows({ database, sql, commit, read }: Transactions) {
  const files = prepareOutboxFiles(database);
  const selectOpen = sql.rows(toOpenRow)`
    SELECT o.*, p.reason AS parked_for, p.next_try_at FROM outbox AS o
    LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
      AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
    WHERE +o.account_id = ? -- the index of the open rows, not the one of all rows
      AND o.state IN ('pending', 'sending', 'uncertain', 'dead')
    ORDER BY o.id`;
  const resend = sql`UPDATE outbox
     SET state = 'pending', first_attempt_at = NULL, failing_since = NULL, refusal = NULL,
         next_attempt_at = NULL
     WHERE id = ? AND state IN ('uncertain', 'dead') AND kind IS NOT 'draft'
       AND IIF(json_valid(message), message ->> '$.isUnkept', NULL) IS NULL
       AND (file_count = 0 OR EXISTS (SELECT 1 FROM outbox_file WHERE outbox_row = outbox.id))`;
  const drop = sql`UPDATE outbox SET state = 'dropped', refusal = 'given up by hand',
       ${ENDS_WORDS}
     WHERE id = ? AND state IN ('pending', 'sending', 'uncertain', 'dead')`;

  // A refused message may be what its channel is parked for, so those behind it are tried now.
  const unpark = sql`UPDATE parked_channel SET is_parked = 0
     WHERE (account_id, channel_id) = (SELECT account_id, channel_id FROM outbox WHERE id = ?)`;
  const removeDraft = prepareRemoveDraft(database);

  return {
    /** The unsent messages of an account, in the order of sending. */
    open: (accountId: AccountId): Promise<readonly OpenRow[]> =>
      read(() => withFirsts(selectOpen.all(accountId))),
    /**
     * Sends an uncertain or dead message again, before the waiting ones of its channel, or gives up
     * an unsent message. A draft is never sent again, because it has less text than its answer.
     * Neither is one whose files or words are deleted. Giving up a message also removes the draft that
     * it would have replaced. If its channel is parked, the waiting messages there are tried at once.
     *
     * @returns Whether the row was in a state that allows this.
     */
    release: (id: number, how: "resend" | "drop") =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const isChanged = (how === "resend" ? resend : drop).run(id).changes === 1;
        if (!isChanged) return false;
        unpark.run(id);
        if (how === "resend") return true;
        files.delete(id);
        removeDraft(id);
        return true;
      }),
  };
}

const DRAFT = rows({
  id: integer(),
  state: oneOf("pending", "sending", "sent"),
  createdAt: integer(),
  message: storedMessage(),
});

/**
 * Prepares the removal of the draft that a row would have replaced. A draft without an attempt is
 * withdrawn. For any other draft, a row that deletes it is added.
 */
function prepareRemoveDraft(database: DatabaseSync): (id: number) => void {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const select = sql`SELECT d.id, d.state, d.message, o.created_at FROM outbox AS o
     JOIN outbox AS d ON d.account_id = o.account_id AND d.nonce = o.draft_nonce
     WHERE o.id = ? AND o.action = 'replace' AND d.state IN ('pending', 'sending', 'sent')`;
  const withdraw = sql`UPDATE outbox SET state = 'withdrawn' WHERE id = ?`;
  return (id) => {
    const row = select.get(id);
    if (!row) return;
    const whole = DRAFT.readIfWhole(row);
    if (!whole) return; // damaged: the draft stays at Discord
    const { id: draft, state, message: { of, ...message }, createdAt } = whole;
    if (state === "pending") withdraw.run(draft);
    else if (of) add(removalOf({ message: { ...message, of } }), createdAt);
  };
}

/** Adds to each row behind another one of its channel the number of the first of them. */
function withFirsts(rows: readonly OpenRow[]): readonly OpenRow[] {
  const firsts = new Map<ChannelId, number>();
  return rows.map((row) => {
    if (row.state !== "pending" && row.state !== "sending") return row;
    const behind = firsts.get(row.channelId);
    if (behind !== undefined) return { ...row, behind };
    firsts.set(row.channelId, row.id);
    return row;
  });
}

function toOpenRow(row: unknown): OpenRow {
  const whole = OPEN.readIfWhole(row);
  if (!whole) return toDamagedRow(row);
  const { message: { content, of }, parkedFor, nextTryAt, nextAttemptAt, refusal, ...rest } = whole;
  const shown = withoutPersonal(content);
  const isWaiting = rest.state === "pending" || rest.state === "sending";
  return {
    ...rest,
    state: parkedFor === undefined ? rest.state : "parked",
    kind: of?.kind,
    preview: [...shown.slice(0, PREVIEW_CHARS * 2)].slice(0, PREVIEW_CHARS).join(""),
    chars: content.length,
    reason: parkedFor ?? refusal,
    nextAttemptAt: nextTryAt ?? (isWaiting ? nextAttemptAt : undefined),
  };
}

function toDamagedRow(row: unknown): OpenRow {
  const { id, channelId } = DAMAGED.read(row);
  return {
    id,
    channelId: channelId as ChannelId, // as it is: the operator sees it
    state: STATE.readIfWhole(row)?.state ?? "dead",
    preview: "",
    chars: 0,
    fileCount: COUNTED.readIfWhole(row)?.fileCount ?? 0,
    createdAt: DATED.readIfWhole(row)?.createdAt ?? 0,
    reason: DAMAGED_ROW,
  };
}

const RESULT = rows({
  id: integer(),
  state: text(),
  messageId: optional(snowflake<"message">()),
  reason: optional(text()),
});

/** Reads how deliveries ended, for programs that wait for them, such as `barnacle send`. */
function createSendResults({ sql, read }: Transactions) {
  const select = sql`SELECT o.id, o.state, o.message_id, COALESCE(p.reason, o.refusal) AS reason
     FROM outbox AS o LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1
     WHERE o.id IN (SELECT value FROM json_each(?))
     ORDER BY o.id`;
  return {
    /** The results of these rows, in their order; missing rows are left out. */
    sendResultsOf: (ids: readonly number[]): Promise<readonly SendResult[]> =>
      read(() => select.all(JSON.stringify(ids)).map(toSendResult)),
  };
}

function toSendResult(row: unknown): SendResult {
  const { id, state, messageId, reason } = RESULT.read(row);
  if (state === "sent") return { id, kind: "sent", messageId };
  return { id, kind: KINDS.get(state) ?? "failed", reason };
}

const KINDS: ReadonlyMap<string, "waits" | "held"> = new Map([
  ["pending", "waits"],
  ["sending", "waits"],
  ["uncertain", "held"],
]);

const ADDED = OUTBOX.pick("state", "messageId");

/** A row of the outbox that this call or an earlier one has added. */
export type AddedRow = OutboxRow & ReturnType<typeof ADDED.read>;

function createAdditions({ database, commit }: Transactions) {
  const add = prepareAdd(database);
  return {
    /**
     * Adds a message. Without a nonce, it gets the nonce of its row. If a row has its nonce already
     * (a draft whose turn runs again), that row stays unchanged.
     *
     * @returns The stored row, with the message's id once it is sent.
     */
    add: (frozen: Frozen, now: number): Promise<AddedRow> =>
      commit(optionsOf(frozen), () => add(frozen, now)),
    /**
     * Adds the messages of one text: all or none of them, without other messages between them. This
     * holds even if this process dies.
     */
    addAll: (frozen: readonly Frozen[], now: number): Promise<readonly AddedRow[]> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => frozen.map((message) => add(message, now))),
  };
}

/** Messages of a turn may be lost, because the turn would run again. */
function optionsOf({ message }: Frozen): CommitOptions {
  return message.of ? UNNAMED : COMMIT_OPTIONS.BY_HAND;
}

/**
 * Prepares the statements that add a message, or find it by its nonce. They run within the caller's
 * transaction.
 */
function prepareAdd(database: DatabaseSync): (frozen: Frozen, now: number) => AddedRow {
  const sql = statementsOf(database);
  const addOnce = prepareAddOnce(database);
  const select = sql`
    SELECT ${ROW_COLUMNS}, o.state, o.message_id FROM outbox AS o ${JOIN_DRAFT} WHERE o.id = ?`;
  const selectEnded = sql`SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;
  return (frozen, now) => {
    const { of } = frozen.message;
    if (of?.kind === "draft" && selectEnded.get(of.cause)) {
      throw new Error(`The turn of message ${of.cause} has ended: its draft would stay for ever`);
    }
    const row = select.get(addOnce(frozen, now));
    return { ...toOutboxRow(row), ...ADDED.read(row) };
  };
}

/** Replaces messages whose files Discord refuses. */
function createFileRemoval({ database, sql, commit }: Transactions) {
  const files = prepareOutboxFiles(database);
  const replace = sql`UPDATE outbox SET message = :message, file_count = 0
     WHERE account_id = :accountId AND nonce = :nonce AND state IN ('pending', 'sending')`;
  return {
    /** Replaces the message of an unsent row, and deletes the row's files. */
    removeFiles({ id, message: { accountId, nonce } }: OutboxRow, message: OutboundMessage) {
      return commit(UNNAMED, () => {
        const changed = replace.run({ accountId, nonce, message: JSON.stringify(message) });
        if (changed.changes > 0) files.delete(id);
      });
    },
  };
}
