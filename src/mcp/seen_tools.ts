/**
 * Remembers how servers described their tools, in a file of the data directory (T13).
 *
 * Without the right to write there, each look counts as the first.
 *
 * @module
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { changesOf, type ToolChanges, type ToolHashes } from "./definitions.ts";

/** The remembered tools of all servers. */
export interface SeenTools {
  /**
   * Compares the tools of a server with the remembered ones, and remembers them.
   *
   * @returns `undefined` if the server has no remembered tools.
   */
  look(serverId: string, tools: ToolHashes): ToolChanges | undefined;
  /** The remembered tools of a server; `undefined` if it has none. */
  of(serverId: string): ToolHashes | undefined;
}

const seenSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Creates the memory. It reads the file at each look, because another process may write it too. */
export function createSeenTools(path: string): SeenTools {
  return {
    look(serverId, tools) {
      const seen = readSeen(path);
      const before = seen[serverId];
      const changes = before && changesOf(before, tools);
      const isNew = !changes ||
        changes.changed.length + changes.added.length + changes.removed.length > 0;
      if (isNew) remember(path, { ...seen, [serverId]: tools });
      return changes;
    },
    of: (serverId) => readSeen(path)[serverId],
  };
}

function readSeen(path: string): Readonly<Record<string, ToolHashes>> {
  try {
    return seenSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return {}; // the first look, or not ours to read
  }
}

function remember(path: string, seen: Readonly<Record<string, ToolHashes>>): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify(seen)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // no right to write there
  }
}
