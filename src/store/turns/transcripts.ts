/**
 * Stores the transcripts of sessions: their entries in the table, and the newest entries of
 * recently used sessions in memory.
 *
 * Most turns show the model entries that an earlier turn has just stored, so they read nothing from
 * the table. For each session, memory has exactly the table's newest entries, or none.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../database/columns.ts";
import { type Entry, lengthOf } from "../../core/inbound/transcript.ts";
import type { Checkpoint } from "../../core/turn/checkpoint.ts";
import { createBurstWatch } from "../database/other_writers.ts";
import type { Transactions } from "../database/transact.ts";
import { callsOf, entryColumns, toEntry } from "./entry_rows.ts";

/** Reads transcripts. */
export interface Transcripts {
  /**
   * The newest entries of a session since its newest checkpoint, oldest first: at most `limit`, and only as many as fit into
   * `maxChars` together. Reading stops there, so a turn in a long session costs no more than in a
   * short one.
   *
   * @param maxChars UTF-16 units; unlimited by default.
   */
  entriesOf(sessionKey: string, limit: number, maxChars?: number): Promise<readonly Entry[]>;
}

/** The turn that entries come from. */
export interface EntryPlace {
  /** The agent of the turn. */
  readonly agentId: string;
  /** Key of the session that the entries belong to. */
  readonly sessionKey: string;
  /** Channel, thread or direct message channel of the turn. */
  readonly channelId: string;
}

/** Reads and adds entries, for the store itself. */
export interface TranscriptRows extends Transcripts {
  /** Adds entries without control characters, within a transaction of the caller's. */
  insert(place: EntryPlace, entries: readonly Entry[]): void;
  /** The newest checkpoint of a session; `undefined` if it has none. */
  checkpointOf(sessionKey: string): Promise<Checkpoint | undefined>;
  /** Forgets a session in memory, because it has a new checkpoint. */
  drop(sessionKey: string): void;
  /**
   * Notes a new checkpoint, and keeps the later entries in memory.
   *
   * @param later The entries after it in the table. If memory ends with other ones, it forgets the
   * session.
   */
  folded(sessionKey: string, checkpoint: Checkpoint, later: LaterEntries): void;
  /**
   * Replaces the text of a deleted message, within a transaction of the caller's.
   *
   * @returns Whether the session had it.
   */
  redact(sessionKey: string, channelId: string, messageId: string): boolean;
  /** Forgets a session in memory, because the table may differ. */
  forgetSession(sessionKey: string): void;
  /** Notes that these entries are stored. */
  stored(sessionKey: string, entries: readonly Entry[]): void;
  /** Forgets all memory, because the table may differ. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** The entries of a session after its newest checkpoint. */
export interface LaterEntries {
  /** Number of entries. */
  readonly count: number;
  /** Message of the newest; `null` if there is none. */
  readonly lastMessageId: string | null;
}

/** Maximum bytes of all sessions in memory. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Estimated bytes of a session beside its entries, and of an entry beside its text. */
const SESSION_BYTES = 400;
const ENTRY_BYTES = 200;
/** Maximum number of a session's entries in memory that no turn uses. */
const TRIM_AT = 16;

/** Text of a user's entry whose message is deleted (H6). */
const DELETED = "[The sender has deleted this message.]";

interface CachedSession {
  /** Oldest first, without a gap up to the newest. */
  readonly entries: Entry[];
  bytes: number;
  /** Whether there are no older entries since the checkpoint. */
  isWhole: boolean;
  /** The newest checkpoint; absent if there is none. */
  readonly checkpoint?: Checkpoint;
}

const checkpointSchema = z.object({
  last_entry: column.number,
  boundary: column.textOrNull,
  summary: column.textOrNull,
  at: column.number,
});

/** A checkpoint with its last entry: only later entries are in the context. */
interface FoundCheckpoint {
  readonly lastEntry: number;
  readonly checkpoint: Checkpoint;
}

/**
 * Creates the storage of transcripts.
 *
 * The function is longer than most, because its inner functions share one state: the cached
 * sessions.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createTranscripts(
  database: DatabaseSync,
  { read }: Pick<Transactions, "read">,
): TranscriptRows {
  const select = database.prepare(
    `SELECT ${entryColumns} FROM entry
     WHERE session_key = ? AND id > ? ORDER BY id DESC LIMIT ?`,
  );
  const selectCheckpoint = database.prepare(
    `SELECT last_entry, boundary, summary, at FROM checkpoint
     WHERE session_key = ? ORDER BY id DESC LIMIT 1`,
  );
  const insert = database.prepare(
    `INSERT INTO entry (agent_id, session_key, channel_id, role, text, calls, message_id, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const redact = database.prepare(
    `UPDATE entry SET text = ?
     WHERE session_key = ? AND channel_id = ? AND length(message_id) = ? AND message_id = ?
       AND role = 'user' AND text IS NOT ?`,
  );
  /** The most recently used session is the last. */
  const sessions = new Map<string, CachedSession>();
  const otherWriters = createBurstWatch(database);
  let bytes = 0;

  function forget(): void {
    sessions.clear();
    bytes = 0;
  }

  function readCheckpoint(sessionKey: string): FoundCheckpoint | undefined {
    const row = selectCheckpoint.get(sessionKey);
    if (!row) return undefined;
    const { last_entry: lastEntry, boundary, summary: text, at } = checkpointSchema.parse(row);
    const summary = boundary !== null && text !== null && { summary: { boundary, text } };
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
    for (const oldest of sessions.keys()) {
      if (bytes <= BYTES_MAX) break;
      drop(oldest);
    }
  }

  /**
   * Removes entries that no turn uses any more. Removes several at once, because it moves the
   * others.
   */
  function trim(cached: CachedSession, used: number): void {
    const spare = cached.entries.length - used;
    if (spare < TRIM_AT) return;
    const trimmed = cached.entries.splice(0, spare);
    const trimmedBytes = bytesOf(trimmed);
    cached.bytes -= trimmedBytes;
    cached.isWhole = false;
    bytes -= trimmedBytes;
  }

  return {
    async entriesOf(sessionKey, limit, maxChars = Infinity) {
      if (otherWriters.changedElsewhere()) forget(); // a command may have reset the session
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
        const session = found ? { ...newest, checkpoint: found.checkpoint } : newest;
        keep(sessionKey, session);
        return session.entries.slice();
      });
    },
    async checkpointOf(sessionKey) {
      const cached = sessions.get(sessionKey);
      return cached ? cached.checkpoint : await read(() => readCheckpoint(sessionKey)?.checkpoint);
    },
    drop,
    folded(sessionKey, checkpoint, { count, lastMessageId }) {
      const cached = sessions.get(sessionKey);
      if (!cached) return;
      const newest = cached.entries.at(-1);
      const isSame = count <= cached.entries.length &&
        (count === 0 || newest?.messageId === lastMessageId);
      if (!isSame) return drop(sessionKey);
      const entries = count === 0 ? [] : cached.entries.slice(-count);
      keep(sessionKey, {
        entries,
        bytes: SESSION_BYTES + bytesOf(entries),
        isWhole: true,
        checkpoint,
      });
    },
    insert({ agentId, sessionKey, channelId }, entries) {
      for (const entry of entries) {
        const { role, text, messageId, at } = entry;
        insert.run(agentId, sessionKey, channelId, role, text, callsOf(entry), messageId, at);
      }
    },
    redact: (sessionKey, channelId, messageId) =>
      redact.run(DELETED, sessionKey, channelId, messageId.length, messageId, DELETED).changes > 0,
    forgetSession: drop,
    stored(sessionKey, entries) {
      const cached = sessions.get(sessionKey);
      if (!cached || entries.length === 0) return;
      const addedBytes = bytesOf(entries);
      cached.entries.push(...entries);
      cached.bytes += addedBytes;
      bytes += addedBytes;
      makeRoom();
    },
    forget,
    bytes: () => bytes,
  };
}

/**
 * Takes the newest entries from memory.
 *
 * @returns `undefined` if the table may have more of the entries that the caller wants.
 */
function newestOf(
  { entries, isWhole }: CachedSession,
  limit: number,
  maxChars: number,
): readonly Entry[] | undefined {
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
    const entry = toEntry(row);
    if (entries.length === limit || units + lengthOf(entry) > maxChars) {
      isWhole = false;
      break;
    }
    units += lengthOf(entry);
    entries.push(entry);
  }
  return { entries: entries.reverse(), bytes: SESSION_BYTES + bytesOf(entries), isWhole };
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + ENTRY_BYTES + lengthOf(entry) * 2, 0);
}
