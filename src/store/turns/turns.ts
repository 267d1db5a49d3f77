/**
 * `store.turns`: the transcript of a session and overheard messages, which a turn reads, the steps
 * of a turn (TS), and its end (T3).
 *
 * The end is one transaction: transcript, frozen reply and the message's new state. Only a claim
 * that runs according to memory can end, so a second end stores nothing. Steps of a turn that calls
 * tools are stored before its end, each before the next one begins, so the next process continues
 * the turn.
 *
 * Reactions wait for the next turn in their channel (H5). Each has one row with its last change, so
 * a person who adds and removes it a thousand times costs one row.
 *
 * The newest entries of recently used sessions are in memory: most turns show the model entries that an
 * earlier turn has just stored. For each session, memory has exactly the table's newest entries, or
 * none.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type {
  InboundMessage,
  PermittedReaction,
  ReactionNote,
  ReactionRecord,
  ReactionsCleared,
} from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FinishedTurn,
  messagesOf,
  type Route,
  type TurnEnd,
} from "../../core/inbound/inbox.ts";
import {
  type Checkpoint,
  type Entry,
  type Overheard,
  type Part,
  partedText,
} from "../../core/inbound/inbound.ts";
import { lengthOf } from "../../core/model.ts";
import { type AnswerThread, withoutPersonal } from "../../core/outbound/outbound.ts";
import type { Charge, TurnCost } from "../../core/spending/budget.ts";
import type { Step } from "../../core/step.ts";
import { bounded, withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, statementsOf, type Transactions, UNNAMED } from "../database/commits.ts";
import { isRunning, type Memory } from "../memory/memory.ts";
import { type OverheardKey, prepareOverheard } from "../messages/messages.ts";
import type { Pruner, Retention } from "../store.ts";
import { prepareAddTurn } from "../outbox/outbox.ts";
import { integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { MESSAGE_NUMBER, REACTIONS_MAX, REACTIONS_PER_CHANNEL } from "../schema/messages.ts";
import { ANSWER_THREAD, THREADS_MAX } from "../schema/person.ts";
import { prepareAddUsage } from "../usage/usage.ts";

export function createTurns(
  transactions: Transactions,
  memory: Memory,
  pruner: Pruner,
  transcripts: TranscriptRows,
  retention: Retention,
) {
  return {
    ...createContext(transactions, memory, pruner, retention),
    ...createAnswerThreads(transactions),
    ...createReactions(transactions),
    entriesOf: transcripts.entriesOf,
    ...createSteps(transactions, memory),
    ...createTurnEnds(transactions, memory, transcripts),
  };
}

interface EntryPlace {
  readonly agentId: string;
  readonly sessionKey: string;
  /** Channel, thread or direct message channel of the turn. */
  readonly channelId: string;
}

/**
 * Maximum bytes of all sessions in memory: 50 whose entries fill an assumed window. If more sessions
 * than fit take turns, each turn reads its entries from the table, which costs half a millisecond.
 */
const BYTES_MAX = 5 * 1024 * 1024;
/** Maximum number of a session's entries in memory that no turn uses. */
const TRIM_AT = 16;

const CHECKPOINT = rows({
  lastEntry: integer(),
  boundary: optional(text()),
  summary: optional(text()),
  modelId: optional(text()),
  at: integer(),
});

export function createTranscripts({ sql, read }: Transactions) {
  const select = sql`SELECT ${entryColumns} FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id DESC LIMIT ?`;
  const selectCheckpoint = sql`SELECT last_entry, boundary, summary, model_id, at FROM checkpoint
     WHERE session_key = ? ORDER BY id DESC LIMIT 1`;
  const insert = sql`
    INSERT INTO entry
      (agent_id, session_key, channel_id, role, parts, boundary, calls, message_id, at, carried)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  /** The most recently used session is the last. */
  const sessions = new Map<string, CachedSession>();
  let bytes = 0;
  /** By session; few change at all. */
  const changes = new Map<string, number>();

  function forget(): void {
    sessions.clear();
    bytes = 0;
  }

  function readCheckpoint(
    sessionKey: string,
  ): { readonly lastEntry: number; readonly checkpoint: Checkpoint } | undefined {
    const row = selectCheckpoint.get(sessionKey);
    if (!row) return undefined;
    const { lastEntry, boundary, summary: text, modelId, at } = CHECKPOINT.read(row);
    const written = boundary !== undefined && text !== undefined && { boundary, text };
    const summary = written &&
      { summary: modelId === undefined ? { ...written, isPlain: true } : written };
    return { lastEntry, checkpoint: { ...summary, at } };
  }

  function drop(sessionKey: string): void {
    const cached = sessions.get(sessionKey);
    if (!cached) return;
    bytes -= cached.bytes;
    sessions.delete(sessionKey);
  }

  function keep(sessionKey: string, cached: CachedSession): void {
    drop(sessionKey);
    sessions.set(sessionKey, cached);
    bytes += cached.bytes;
    makeRoom();
  }

  function makeRoom(): void {
    if (bytes <= BYTES_MAX) return;
    for (const oldest of sessions.keys()) {
      if (bytes <= BYTES_MAX) break;
      drop(oldest);
    }
  }

  /** Removes a session's oldest entries from memory. */
  function cut(cached: CachedSession, count: number): void {
    const cutBytes = bytesOf(cached.entries.splice(0, count));
    cached.bytes -= cutBytes;
    bytes -= cutBytes;
  }

  /**
   * Removes entries that no turn uses any more. Removes several at once, because it moves the
   * others.
   */
  function trim(cached: CachedSession, used: number): void {
    const spare = cached.entries.length - used;
    if (spare < TRIM_AT) return;
    cut(cached, spare);
    cached.isWhole = false;
  }

  return {
    /**
     * The newest entries of a session since its newest checkpoint, oldest first: at most `limit`, and
     * only as many as fit into `maxChars` together. Reading stops there, so a turn in a long session
     * costs no more than in a short one.
     *
     * @param maxChars UTF-16 units; unlimited by default.
     */
    async entriesOf(
      sessionKey: string,
      limit: number,
      maxChars: number = Infinity,
    ): Promise<readonly Entry[]> {
      const cached = sessions.get(sessionKey);
      const newest = cached && newestOf(cached, limit, maxChars);
      if (cached && newest) {
        sessions.delete(sessionKey);
        sessions.set(sessionKey, cached);
        trim(cached, newest.length);
        return newest;
      }
      return await read(() => {
        const found = readCheckpoint(sessionKey);
        const rows = select.iterate(sessionKey, found?.lastEntry ?? 0, limit + 1);
        const newest = readNewest(rows, limit, maxChars);
        newest.checkpoint = found?.checkpoint;
        keep(sessionKey, newest);
        return newest.entries.slice();
      });
    },
    /** The newest checkpoint of a session; `undefined` if it has none. */
    async checkpointOf(sessionKey: string): Promise<Checkpoint | undefined> {
      const cached = sessions.get(sessionKey);
      return cached ? cached.checkpoint : await read(() => readCheckpoint(sessionKey)?.checkpoint);
    },
    /** Forgets a session in memory, because the table has a new checkpoint, or may differ. */
    drop,
    /** Adds entries without control characters, within a transaction of the caller's. */
    insert({ agentId, sessionKey, channelId }: EntryPlace, entries: readonly Entry[]) {
      for (const entry of entries) {
        insert.run(agentId, sessionKey, channelId, ...writeEntry(entry));
      }
    },
    /** Notes that entries of a session are another text now: no summary of the old ones is stored. */
    changed: (sessionKey: string) =>
      void changes.set(sessionKey, (changes.get(sessionKey) ?? 0) + 1),
    /** How often {@link TranscriptRows.changed} was called for a session. */
    changesOf: (sessionKey: string) => changes.get(sessionKey) ?? 0,
    /**
     * Begins to store entries.
     *
     * @returns Called once they are stored. If the session was read from the table meanwhile, memory
     * forgets it, because that read may have had the entries, or not.
     */
    storing(sessionKey: string): (entries: readonly Entry[]) => void {
      const before = sessions.get(sessionKey);
      return (entries) => {
        const cached = sessions.get(sessionKey);
        if (!cached || entries.length === 0) return;
        if (cached !== before) return drop(sessionKey);
        const addedBytes = bytesOf(entries);
        cached.entries.push(...entries.map(withoutParts));
        cached.bytes += addedBytes;
        bytes += addedBytes;
        makeRoom();
      };
    },
    /** Forgets all memory, because the table may differ. */
    forget,
  };
}

/** Reads and adds entries, for the store itself. */
export type TranscriptRows = ReturnType<typeof createTranscripts>;

/** Estimated bytes of a session beside its entries, and of an entry beside its text. */
const SESSION_BYTES = 400;
const ENTRY_BYTES = 200;

interface CachedSession {
  /** Oldest first, without a gap up to the newest. */
  readonly entries: Entry[];
  /** Estimated bytes of memory. */
  bytes: number;
  /** Whether there are no older entries since the checkpoint. */
  isWhole: boolean;
  /** The newest checkpoint; absent if there is none. */
  checkpoint?: Checkpoint;
}

/**
 * Takes the newest entries from memory.
 *
 * @returns `undefined` if the table may have more of the entries that the caller wants.
 */
function newestOf(
  { entries, bytes, isWhole }: CachedSession,
  limit: number,
  maxChars: number,
): readonly Entry[] | undefined {
  const allChars = bytes - SESSION_BYTES - ENTRY_BYTES * entries.length;
  if (isWhole && entries.length <= limit && allChars <= maxChars) return entries.slice(); // most
  let chars = 0;
  let from = entries.length;
  while (from > 0 && entries.length - from < limit) {
    const entry = entries[from - 1];
    if (entry) chars += lengthOf(entry);
    if (chars > maxChars) return entries.slice(from);
    from--;
  }
  return from === 0 && !isWhole && entries.length < limit ? undefined : entries.slice(from);
}

/** Reads the newest entries that fit. Leaving the loop early resets the statement. */
function readNewest(rows: Iterable<unknown>, limit: number, maxChars: number): CachedSession {
  const entries: Entry[] = [];
  let units = 0;
  let isWhole = true;
  for (const row of rows) {
    const entry = withoutParts(toEntry(row));
    if (entries.length === limit || units + lengthOf(entry) > maxChars) {
      isWhole = false;
      break;
    }
    units += lengthOf(entry);
    entries.push(entry);
  }
  return { entries: entries.reverse(), bytes: SESSION_BYTES + bytesOf(entries), isWhole };
}

/** A turn reads the text alone, and its parts take several times as much memory. */
function withoutParts(entry: Entry): Entry {
  if (entry.role !== "user" || !entry.parts) return entry;
  const { role, text, messageId, at, parts } = entry;
  return { role, text, messageId, at, showsImages: parts.some(({ isImage }) => isImage) };
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + ENTRY_BYTES + lengthOf(entry), 0);
}

export const entryColumns = "role, parts, boundary, calls, message_id, at, carried";

const ENTRY = rows({
  role: oneOf("user", "assistant", "tool"),
  parts: json<readonly Part[]>(),
  boundary: optional(text()),
  calls: optional(text()),
  messageId: snowflake<"message">(),
  at: integer(),
  carried: optional(text()),
});

/** A text of a model or a tool is one part, with the sources of its turn. */
function writeEntry(entry: Entry) {
  const { role, text, boundary = null, messageId, at } = entry;
  const { carried = null } = entry.role === "assistant" ? entry : {};
  const whole = role === "user" ? { text } : { text, of: [] };
  const parts = JSON.stringify(entry.parts ?? (text === "" ? [] : [whole]));
  return [role, parts, boundary, callsOf(entry), messageId, at, carried] as const;
}

/** The column `calls` of an entry: the calls of an answer, or the call of a result. */
function callsOf(entry: Entry): string | null {
  const calls = entry.role === "assistant" ? entry.calls : entry.role === "tool" && entry.call;
  return calls ? JSON.stringify(calls) : null;
}

/** Reads an entry. `calls` is ours, written by {@link callsOf}. */
export function toEntry(row: unknown): Entry {
  const { role, parts, boundary, calls, messageId, at, carried } = ENTRY.read(row);
  const parted = partedText(parts, boundary ?? "");
  const common = { text: parted.text, messageId, at };
  switch (role) {
    case "user":
      return { role, ...common, ...(boundary !== undefined && parted) };
    case "assistant":
      return {
        role,
        ...common,
        calls: calls !== undefined ? JSON.parse(calls) : undefined,
        ...(carried !== undefined && { carried }),
      };
    case "tool":
      return { role, ...common, call: JSON.parse(calls ?? "{}") };
  }
}

/** A claim of messages (T2). */
export interface ClaimRecord {
  readonly turn: string;
  readonly messages: readonly { readonly messageId: string; readonly attempt: number }[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

interface EndRecord {
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
  /** When the turn began. */
  readonly claimedAt: number;
  /** Ids of the further messages that the turn answers; absent: none. */
  readonly also?: readonly string[];
  readonly end: TurnEnd;
  /** Cost of the whole turn; absent if no model was asked. */
  readonly cost?: TurnCost;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export function prepareInboxRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                       accepted_at, state, attempt)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0)
    ON CONFLICT (message_id) DO NOTHING`;
  const markRunning = sql`
    UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
    WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`;
  const finish = sql`UPDATE inbox
     SET state = ?, attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?), turn_of = ?,
         finished_at = ?, failure_id = ?, failure = ?, cost = ?, reply_to = ?
     WHERE message_id = ? AND state IN ('waiting', 'running')`;
  const selectEnded = sql`
    SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;
  const hasEnded = (messageId: string) => selectEnded.get(messageId) !== undefined;

  return {
    /**
     * Adds a message.
     *
     * @returns The number of its row; `undefined` if it was not new. If two accounts accept one
     * message, the first one answers it (G7).
     */
    add(message: InboundMessage, route: Route, acceptedAt: number): number | undefined {
      const { id, accountId, channelId } = message;
      const { agentId, sessionKey } = route;
      const json = JSON.stringify(message);
      const row = [id, accountId, channelId, agentId, sessionKey, json, acceptedAt] as const;
      const { changes, lastInsertRowid } = insert.run(...row);
      return changes > 0 ? Number(lastInsertRowid) : undefined;
    },
    /** Notes a claim of messages that wait, or that an earlier claim has. */
    claim({ turn, messages, now: claimedAt }: ClaimRecord) {
      // A stop may have ended the first message before this record came: the others keep the turn.
      const kept = messages.length > 1 && hasEnded(turn)
        ? messages.find(({ messageId }) => !hasEnded(messageId))
        : undefined;
      const first = kept?.messageId ?? turn;
      for (const { messageId, attempt } of messages) {
        const turnOf = messageId === first ? null : first;
        markRunning.run(attempt, claimedAt, turnOf, messageId, attempt);
      }
    },
    /** Ends a turn. Returns whether its first message was in the inbox without an end. */
    end({ messageId, attempt, claimedAt, also = [], end: how, cost, now }: EndRecord) {
      const failureId = how.kind === "failed" ? how.failureId : null;
      const reason = "reason" in how ? how.reason ?? null : null;
      const last = also.at(-1);
      const endRow = (id: string, turnOf: string | null, json: string | null) => {
        const replyTo = last === undefined || last === id ? null : last;
        const end = [now, failureId, reason, json, replyTo];
        return finish.run(how.kind, attempt, claimedAt, turnOf, ...end, id).changes > 0;
      };
      if (!endRow(messageId, null, cost ? JSON.stringify(cost) : null)) return false;
      for (const id of also) endRow(id, messageId, null);
      return true;
    },
  };
}

interface TurnRecord extends EndRecord {
  readonly accountId: string;
  readonly agentId: string;
  readonly sessionKey: string;
  readonly channelId: ChannelId;
  readonly entries: readonly Entry[];
  readonly steps: readonly Step[];
  readonly charges: readonly Charge[];
  readonly told?: NonNullable<FinishedTurn["told"]>;
}

interface EndingTurn extends FinishedTurn {
  readonly claimedAt: number;
}

function recordOf(
  { claim, claimedAt, end, entries, steps = [], charges = [], cost, told }: EndingTurn,
  now: number,
): TurnRecord {
  const { message: { accountId, id: messageId, channelId }, route, attempt } = claim;
  const also = claim.also?.map(({ id }) => id);
  const of = { accountId, messageId, attempt, claimedAt, also, channelId, ...route };
  return { ...of, end, entries, steps, charges, cost, told, now };
}

function createTurnEnds(
  { database, commit }: Transactions,
  { turns, apply: note, forgotten }: Memory,
  transcripts: TranscriptRows,
) {
  const inbox = prepareInboxRows(database);
  const addUsage = prepareAddUsage(database);
  const addTurn = prepareAddTurn(database);
  const insertSteps = prepareInsertSteps(database);

  /** Does a record's work; `false` and nothing if the turn has an end, or its account has moved. */
  function apply(record: TurnRecord): boolean {
    if (!inbox.end(record)) return false;
    const { accountId, messageId, attempt, entries, steps } = record;
    addUsage(record);
    transcripts.insert(record, entries);
    insertSteps({ accountId, messageId, attempt }, steps);
    return true;
  }

  function store(turn: EndingTurn, now: number, maxWaiting?: number): boolean | "again" {
    const { claim, entries, steps = [] } = turn;
    if (!isRunning(turns, claim)) return false;
    if (forgotten.hasRead(claim.message.id, [...entries, ...steps])) return "again";
    if (!apply(recordOf(turn, now))) return false;
    addTurn(turn, now, maxWaiting);
    return true;
  }

  return {
    /**
     * T3: stores the end of a turn, its entries and its messages.
     *
     * @param maxWaiting Maximum number of the channel's waiting messages; absent: no bound.
     * @returns Whether it is stored: not if the claim does not run any more.
     */
    async finishTurn(given: FinishedTurn, now: number, maxWaiting?: number): Promise<boolean> {
      const { claim } = given;
      const running = turns.running.get(claim.message.id);
      if (running?.attempt !== claim.attempt) return false;
      const { claimedAt } = running;
      const remember = transcripts.storing(claim.route.sessionKey);
      const entries = given.entries.map((entry) => ({
        ...entry,
        text: withoutControls(entry.text),
      }));
      const ending = { ...given, entries, claimedAt };
      const done = await commit(COMMIT_OPTIONS.T3, () => store(ending, now, maxWaiting), {
        onStored(done) {
          if (done === "again") return note({ kind: "again", turns: [claim.message.id] });
          if (done) remember(entries);
          note({ kind: "ended", claim });
        },
      });
      return done === true;
    },
  };
}

const STEP = rows({ step: json<Step>() }); // ours, written below

/** Adds steps within a transaction of the caller's. */
export function prepareInsertSteps(database: DatabaseSync): (of: {
  readonly accountId: string;
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
}, steps: readonly Step[]) => void {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO step (account_id, message_id, attempt, step, at) VALUES (?, ?, ?, ?, ?)`;
  return ({ accountId, messageId, attempt }, steps) => {
    for (const step of steps) {
      insert.run(accountId, messageId, attempt, JSON.stringify(step), step.at);
    }
  };
}

function createSteps(
  { database, sql, commit, read }: Transactions,
  { turns, apply, forgotten }: Memory,
) {
  const inbox = prepareInboxRows(database);
  const addUsage = prepareAddUsage(database);
  const select = sql`SELECT step FROM step WHERE message_id = ? ORDER BY id`;
  const insert = prepareInsertSteps(database);
  return {
    /** The stored steps of a message's turn, in order, from all processes that ran it. */
    stepsOf: (messageId: MessageId): Promise<readonly Step[]> =>
      read(() => select.all(messageId).map((row) => STEP.read(row).step)),
    /**
     * TS: adds steps to a turn.
     *
     * @param waitsForDisk Whether the steps must survive a power cut.
     * @param charges Requests to models since the last TS.
     * @throws {Error} If the claim does not run any more; then the turn must not continue.
     */
    async addSteps(
      claim: Claim,
      steps: readonly Step[],
      waitsForDisk: boolean,
      charges: readonly Charge[] = [],
    ) {
      const { message: { id: turn, accountId }, attempt } = claim;
      const messages = messagesOf(claim).map(({ id }) => ({ messageId: id, attempt }));
      const claimed = { turn, messages, now: steps[0]?.at ?? 0 };
      const assertRunning = (): void => {
        if (isRunning(turns, claim)) return;
        throw new Error(`The turn of message ${turn} has ended`);
      };
      assertRunning();
      const options = waitsForDisk ? COMMIT_OPTIONS.TS_BEGUN : COMMIT_OPTIONS.TS;
      await commit(options, () => {
        assertRunning();
        addUsage({ charges });
        if (forgotten.hasRead(turn, steps)) return true;
        inbox.claim(claimed);
        insert({ accountId, messageId: turn, attempt }, steps);
        return false;
      }, {
        onStored(isAgain) {
          if (isAgain) apply({ kind: "again", turns: [turn] });
        },
      });
      assertRunning(); // a change may have ended it meanwhile
    },
  };
}

export type Steps = ReturnType<typeof createSteps>;

/** Maximum UTF-16 units of the message that a turn sees of each reaction. */
const QUOTE_CHARS = 120;

const REACTION = rows({
  messageId: snowflake<"message">(),
  userId: snowflake<"user">(),
  tag: text(),
  emoji: text(),
  change: oneOf("added", "removed"),
  at: integer(),
});
const KEPT = rows({ tag: text(), change: oneOf("added", "removed") });
const TEXT = rows({ text: text() });
const AUTHOR = rows({ authorId: text() });

/** Keeps reactions within a transaction of the caller's (T1). */
export function prepareKeepReactions(
  database: DatabaseSync,
): (accountId: AccountId, records: readonly ReactionRecord[], now: number) => void {
  const sql = statementsOf(database);
  const selectKept = sql`SELECT tag, change FROM reaction
     WHERE account_id = ? AND message_id = ? AND user_id = ? AND emoji = ?`;
  const isPaired = sql`SELECT 1 FROM paired WHERE account_id = ? AND user_id = ?`;
  const isOwn = sql`SELECT 1 FROM outbox WHERE message_id = ? AND account_id = ?`;
  const isGroup = sql`
    SELECT 1 FROM direct_channel WHERE account_id = ? AND channel_id = ? AND is_group = 1`;
  const put = sql`INSERT OR REPLACE INTO reaction
       (account_id, channel_id, message_id, user_id, tag, emoji, change, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
  const clear = sql`DELETE FROM reaction
     WHERE account_id = ? AND message_id = ? AND (emoji = ? OR ? IS NULL)`;
  const pruneChannel = sql`
    DELETE FROM reaction WHERE account_id = :accountId AND channel_id = :channelId AND id <= (
      SELECT id FROM reaction WHERE account_id = :accountId AND channel_id = :channelId
      ORDER BY id DESC LIMIT 1 OFFSET ${REACTIONS_PER_CHANNEL}
    )`;
  const pruneAll = sql`
    DELETE FROM reaction WHERE id <= (SELECT MAX(id) FROM reaction) - ${REACTIONS_MAX}`;

  /** @returns The person's name; `undefined` if the reaction is not to be kept, or is a replay. */
  function nameToKeep(accountId: AccountId, reaction: PermittedReaction): string | undefined {
    const { change, channelId, messageId, userId, emoji, tag, onlyIf } = reaction;
    const row = selectKept.get(accountId, messageId, userId, emoji);
    const kept = row && KEPT.read(row);
    if (onlyIf.isKnown && !kept) return undefined;
    if (kept?.change === change) return undefined;
    if (onlyIf.isPaired && !isPaired.get(accountId, userId)) return undefined;
    if (onlyIf.isOwn && !isOwn.get(messageId, accountId)) return undefined;
    if (isGroup.get(accountId, channelId)) return undefined; // its rules need the group's name
    return tag || kept?.tag || "";
  }

  return (accountId, records, now) => {
    const channels = new Map<string, OverheardKey>();
    const { cleared, changed } = lastOfEach(records);
    for (const { messageId, emoji = null } of cleared) {
      clear.run(accountId, messageId, emoji, emoji);
    }
    for (const record of changed) {
      const { channelId, messageId, userId, emoji, change } = record;
      const tag = nameToKeep(accountId, record);
      if (tag === undefined) continue;
      put.run(
        accountId,
        channelId,
        messageId,
        userId,
        withoutControls(tag),
        withoutControls(emoji),
        change,
        now,
      );
      channels.set(channelId, { accountId, channelId });
    }
    for (const key of channels.values()) pruneChannel.run({ ...key });
    if (channels.size > 0) pruneAll.run();
  };
}

/**
 * Keeps of each reaction the last change, and of each channel only as many as the table does. So a
 * flood costs a bounded number of rows.
 */
function lastOfEach(records: readonly ReactionRecord[]): {
  readonly cleared: readonly ReactionsCleared[];
  readonly changed: readonly PermittedReaction[];
} {
  const cleared = new Map<string, ReactionsCleared>();
  const last = new Map<string, PermittedReaction>();
  for (const record of records) {
    if ("kind" in record) {
      cleared.set(`${record.messageId} ${record.emoji}`, record);
      for (const [name, { messageId, emoji }] of last) {
        if (messageId === record.messageId && (record.emoji ?? emoji) === emoji) last.delete(name);
      }
      continue;
    }
    const name = `${record.messageId} ${record.userId} ${record.emoji}`;
    const before = last.get(name);
    last.delete(name); // so that the new one is the last
    // The addition is not in the table, and has the name and the permission of the person.
    const { change } = record;
    last.set(name, change === "removed" && before ? { ...before, change } : record);
  }
  const counts = new Map<string, number>();
  const changed = [...last.values()].reverse().filter(({ channelId }) => {
    const count = counts.get(channelId) ?? 0;
    counts.set(channelId, count + 1);
    return count < REACTIONS_PER_CHANNEL;
  });
  return { cleared: [...cleared.values()], changed: changed.reverse() };
}

function createReactions({ sql, commit, read }: Transactions) {
  const isFree = `account_id = :accountId AND channel_id = :channelId AND (
    shown_in IS NULL OR shown_in = :messageId
    OR EXISTS (SELECT 1 FROM inbox WHERE message_id = shown_in AND state = 'failed'))`;
  const hasFree = sql`SELECT 1 FROM reaction WHERE ${isFree} LIMIT 1`;
  const claim = sql`UPDATE reaction SET shown_in = :messageId WHERE ${isFree}`;
  const select = sql`SELECT message_id, user_id, tag, emoji, change, at FROM reaction
     WHERE account_id = :accountId AND channel_id = :channelId AND shown_in = :messageId
     ORDER BY id`;
  const selectOwn = sql`
    SELECT message ->> 'content' AS text FROM outbox WHERE message_id = ? AND account_id = ?`;
  const selectAsked = sql`
    SELECT message ->> 'text' AS text, message ->> '$.sender.id' AS author_id FROM inbox
    WHERE message_id = ? AND channel_id = ?`;
  const selectOverheard = sql`
    SELECT text, author_id FROM message WHERE account_id = :accountId AND channel_id = :channelId
      AND ${MESSAGE_NUMBER} = CAST(:messageId AS INTEGER)`;

  function quoteOf(key: OverheardKey, messageId: MessageId): ReactionNote["message"] {
    const own = selectOwn.get(messageId, key.accountId);
    if (own) return { by: "bot", text: clipped(own) };
    const other = selectAsked.get(messageId, key.channelId) ??
      selectOverheard.get({ ...key, messageId });
    return other && { by: "other", authorId: AUTHOR.read(other).authorId, text: clipped(other) };
  }

  function readFor(key: OverheardKey, messageId: MessageId): readonly ReactionNote[] {
    const { accountId, channelId } = key;
    const at = { accountId, channelId, messageId };
    claim.run(at);
    const quotes = new Map<MessageId, ReactionNote["message"]>();
    return select.all(at).map((row): ReactionNote => {
      const reaction = REACTION.read(row);
      const { messageId: of } = reaction;
      if (!quotes.has(of)) quotes.set(of, quoteOf(key, of));
      return { ...reaction, message: quotes.get(of) };
    });
  }

  return {
    /**
     * The newest reactions of a channel that no earlier turn has seen, oldest first. They belong to
     * the turn of a message from now on: a repeated turn of the message sees them again, and so does
     * the next turn if this one fails.
     */
    async reactionsFor(
      { accountId, channelId }: OverheardKey,
      messageId: MessageId,
    ): Promise<readonly ReactionNote[]> {
      const key = { accountId, channelId };
      const isDue = await read(() => hasFree.get({ ...key, messageId }) !== undefined);
      return isDue ? await commit(UNNAMED, () => readFor(key, messageId)) : [];
    },
  };
}

function clipped(row: unknown): string {
  return bounded(withoutPersonal(TEXT.read(row).text), QUOTE_CHARS);
}

const THREAD = ANSWER_THREAD.pick("threadId", "channelId", "askerId", "title", "state");
/** A thread has the id of the message whose answer opened it. */
const AGENT = rows({ agentId: optional(text()) });
const SELECT_THREAD = `SELECT ${THREAD.columns()},
  (SELECT agent_id FROM inbox WHERE message_id = answer_thread.thread_id) AS agent_id
  FROM answer_thread`;

const toThread = (row: unknown): AnswerThread => ({ ...THREAD.read(row), ...AGENT.read(row) });

/**
 * Stores the threads that answers open (S7).
 *
 * The row comes before the request to Discord. So a turn that a crash repeats asks for the same
 * thread, and messages in it are recognized.
 */
function createAnswerThreads({ database, sql, commit, read }: Transactions) {
  const selectNewest = sql.rows(toThread)`${SELECT_THREAD}
     WHERE account_id = ? AND has_asker = 1 AND state <> 'refused' ORDER BY at DESC LIMIT ?`;
  const selectOne = sql.rows(toThread)`${SELECT_THREAD} WHERE account_id = ? AND thread_id = ?`;
  const insert = ANSWER_THREAD.prepareInsert(database, "ON CONFLICT DO NOTHING");
  // Discord has the title, which may have words of others (X5, H6a).
  const end = sql`
    UPDATE answer_thread SET state = ?, title = '' WHERE account_id = ? AND thread_id = ?`;
  const setAsker = sql`
    UPDATE answer_thread SET has_asker = ? WHERE account_id = ? AND thread_id = ?`;
  const prune = sql`DELETE FROM answer_thread WHERE account_id = :accountId AND at < (
       SELECT at FROM answer_thread WHERE account_id = :accountId
       ORDER BY at DESC LIMIT 1 OFFSET ${THREADS_MAX}
     )`;
  return {
    /** The newest threads of an account that have their asker, oldest first. */
    answerThreads: (accountId: AccountId, limit: number): Promise<readonly AnswerThread[]> =>
      read(() => selectNewest.all(accountId, limit).reverse()),
    /** A thread; `undefined` if no answer has asked for it. */
    answerThread: (accountId: AccountId, threadId: ChannelId): Promise<AnswerThread | undefined> =>
      read(() => selectOne.get(accountId, threadId)),
    /** Stores a thread before the request to Discord. A known one stays unchanged. */
    beginThread: (accountId: AccountId, thread: AnswerThread, now: number) =>
      commit(UNNAMED, () => {
        insert({ ...thread, accountId, title: withoutControls(thread.title), at: now });
        prune.run({ accountId });
      }),
    /** Stores Discord's answer. */
    endThread: (
      accountId: AccountId,
      threadId: ChannelId,
      state: Exclude<AnswerThread["state"], "opening">,
    ): Promise<void> => commit(UNNAMED, () => void end.run(state, accountId, threadId)),
    setAskerIn: (accountId: AccountId, threadId: ChannelId, isIn: boolean): Promise<void> =>
      commit(UNNAMED, () => void setAsker.run(isIn ? 1 : 0, accountId, threadId)),
  };
}

/**
 * Number of a channel's last questions of which the newest message is looked for. A caught-up
 * message may be older than the one that was answered before it. If more of them come after a newer
 * message, context is shown once more.
 */
const SEEN_QUESTIONS = 32;
/** Number of the session's last entries among which they are. */
const SEARCHED_ENTRIES = 1_024;

const SEEN = rows({ messageId: snowflake<"message">() });

function createContext(
  { database, sql, commit, read }: Transactions,
  { quiet }: Memory,
  pruner: Pruner,
  { contextPerChannel }: Retention,
) {
  const overheard = prepareOverheard(database);
  const selectSeen = sql`SELECT message_id FROM (
       SELECT message_id FROM (
         SELECT role, channel_id, message_id FROM entry
         WHERE session_key = :sessionKey ORDER BY id DESC LIMIT ${SEARCHED_ENTRIES}
       )
       WHERE role = 'user' AND channel_id = :channelId
       LIMIT ${SEEN_QUESTIONS}
     )
     ORDER BY length(message_id) DESC, message_id DESC LIMIT 1`;

  return {
    /**
     * Overheard messages of a channel, before a message and after the newest one of the channel in
     * the session's transcript.
     *
     * @returns The newest `limit`, oldest first.
     */
    overheard(
      key: OverheardKey,
      sessionKey: string,
      before: MessageId,
      limit: number,
    ): Promise<readonly Overheard[]> {
      if (limit === 0 || quiet.isQuiet(key, sessionKey)) return Promise.resolve([]);
      return read(() => {
        const { channelId } = key;
        const row = selectSeen.get({ sessionKey, channelId });
        const after = row && SEEN.read(row).messageId;
        const messages = overheard.newest(key, { after, before }, limit);
        if (messages.length === 0 && !overheard.hasNewer(key, before)) {
          quiet.allRead(key, sessionKey);
        }
        return messages;
      });
    },
    /** Keeps messages that were written before the bot listened to the channel. */
    addOverheard: (
      accountId: AccountId,
      channelId: ChannelId,
      messages: readonly Overheard[],
      now: number,
    ) =>
      commit(UNNAMED, () => {
        if (messages.length === 0) return;
        quiet.kept({ accountId, channelId });
        overheard.add({ accountId, channelId }, messages, contextPerChannel, now);
        pruner.stored(messages.length, now);
      }),
  };
}
