/**
 * Reads a line of the bot's log, and shortens it for the page.
 *
 * @module
 */

import { z } from "zod";
import type { Notice } from "../../../simulator/page/bot_panel.ts";

const lineSchema = z.object({
  level: z.string(),
  event: z.string(),
  fields: z.record(z.string(), z.unknown()).default({}),
});

/** Fields for the page. */
const SHOWN = ["reason", "kind", "id", "failureId", "closeCode", "hint", "code", "waitMs"];

/**
 * Reads a line.
 *
 * @returns `undefined` for a line that is no event, such as a stack or a config note.
 */
export function readLogLine(line: string): Pick<Notice, "level" | "text"> | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined; // not an event
  }
  const read = lineSchema.safeParse(json);
  if (!read.success) return undefined;
  const { level, event, fields } = read.data;
  const shown = SHOWN.filter((name) => ["string", "number"].includes(typeof fields[name]))
    .map((name) => `${name} ${fields[name]}`);
  return { level: levelOf(level), text: [event, ...shown].join(" · ") };
}

function levelOf(level: string): Notice["level"] {
  if (level === "error" || level === "fatal") return "error";
  return level.startsWith("warn") ? "warning" : "info";
}
