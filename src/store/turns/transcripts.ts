/**
 * Stores the transcripts of sessions: their entries in the table, and the newest entries of
 * recently used sessions in memory.
 *
 * Most turns show the model entries that an earlier turn has just stored, so they read nothing from
 * the table. For each session, memory has exactly the table's newest entries, or none.
 */

import { lengthOf } from "../../core/fit_request.ts";
import { type Part, partedText } from "../../core/inbound/mentions.ts";
import type { Checkpoint, Entry } from "../../core/inbound/mentions.ts";
import type { Transactions } from "../database/commits.ts";
import { integer, json, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";

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
        ...{ role, ...common, calls: calls !== undefined ? JSON.parse(calls) : undefined },
        ...(carried !== undefined && { carried }),
      };
    case "tool":
      return { role, ...common, call: JSON.parse(calls ?? "{}") };
  }
}
