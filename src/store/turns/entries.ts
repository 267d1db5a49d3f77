/**
 * Entries of sessions: their rows, and the newest ones as memory has them.
 *
 * @module
 */

import { z } from "zod";
import { type Entry, lengthOf } from "../../core/inbound/transcript.ts";
import type { Checkpoint, FoldRange } from "../../core/turn/checkpoint.ts";
import { column } from "../schema/columns.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";

/** Estimated bytes of a session beside its entries, and of an entry beside its text. */
const SESSION_BYTES = 400;
const ENTRY_BYTES = 200;

/** The newest entries of a session. */
export interface CachedSession {
  /** Oldest first, without a gap up to the newest. */
  readonly entries: Entry[];
  /** Estimated bytes of memory. */
  bytes: number;
  /** Whether there are no older entries since the checkpoint. */
  isWhole: boolean;
  /** The newest checkpoint; absent if there is none. */
  readonly checkpoint?: Checkpoint;
}

/** Creates a session of these entries, oldest first. */
export function cachedSession(
  entries: Entry[],
  isWhole: boolean,
  checkpoint?: Checkpoint,
): CachedSession {
  const bytes = SESSION_BYTES + bytesOf(entries);
  return { entries, bytes, isWhole, checkpoint };
}

/**
 * Takes the newest entries from memory.
 *
 * @returns `undefined` if the table may have more of the entries that the caller wants.
 */
export function newestOf(
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

/** Whether these are all entries since the checkpoint, and the oldest of them are the range. */
export function beginsWith(
  { entries, isWhole }: CachedSession,
  { count, last }: FoldRange,
): boolean {
  const entry = entries[count - 1];
  return isWhole && entry?.messageId === last.messageId && entry.role === last.role;
}

/** Reads the newest entries that fit. Leaving the loop early resets the statement. */
export function readNewest(
  rows: Iterable<unknown>,
  limit: number,
  maxChars: number,
): CachedSession {
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
  return cachedSession(entries.reverse(), isWhole);
}

/** Estimated bytes of entries. */
export function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + ENTRY_BYTES + lengthOf(entry) * 2, 0);
}

/** The columns that {@link toEntry} reads. */
export const entryColumns = "role, text, calls, message_id, at";

const entrySchema = z.object({
  role: z.enum(["user", "assistant", "tool"]),
  text: column.text,
  calls: column.textOrNull,
  message_id: snowflakeSchema<"message">(),
  at: column.number,
});

/** The column `calls` of an entry: the calls of an answer, or the call of a result. */
export function callsOf(entry: Entry): string | null {
  const calls = entry.role === "assistant" ? entry.calls : entry.role === "tool" && entry.call;
  return calls ? JSON.stringify(calls) : null;
}

/** Reads an entry. `calls` is ours, written by {@link callsOf}. */
export function toEntry(row: unknown): Entry {
  const { role, text, calls, message_id: messageId, at } = entrySchema.parse(row);
  const common = { text, messageId, at };
  switch (role) {
    case "user":
      return { role, ...common };
    case "assistant":
      return { role, ...common, calls: calls !== null ? JSON.parse(calls) : undefined };
    case "tool":
      return { role, ...common, call: JSON.parse(calls ?? "{}") };
  }
}
