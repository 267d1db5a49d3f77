/**
 * Reads and writes the columns of a transcript's entries.
 *
 * @module
 */

import { z } from "zod";
import { column } from "../schema/columns.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { Entry } from "../../core/inbound/transcript.ts";

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
