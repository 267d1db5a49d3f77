/**
 * Collects notices about the bot: lines of its log, shortened for the page, and actions on the page.
 */

import { z } from "zod";
import type { Notice } from "../../../simulator/page/bot_panel.ts";

const KEPT = 100;

export function createNotices(now: () => number) {
  const kept: Notice[] = [];
  const listeners = new Set<(notice: Notice) => void>();
  return {
    note(level: Notice["level"], text: string): void {
      const notice = { at: now(), level, text };
      kept.push(notice);
      if (kept.length > KEPT) kept.shift();
      for (const listener of listeners) listener(notice);
    },
    /** The last {@link KEPT}, the oldest first. */
    all: (): readonly Notice[] => [...kept],
    /** Calls `listener` with each new notice; returns a function that stops this. */
    subscribe(listener: (notice: Notice) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const lineSchema = z.object({
  level: z.string(),
  event: z.string(),
  fields: z.record(z.string(), z.unknown()).default({}),
});

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
