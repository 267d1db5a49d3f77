/**
 * Reads along what a bot decides, from another process.
 *
 * The two meet in the database only: this one opens it to read, asks again every
 * now and then, and changes nothing of what it watches. A bot that has not made
 * its database yet has decided nothing.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_NAME } from "../../../host/files/data_dir.ts";
import {
  createDecisions,
  type Decision,
  type Decisions,
} from "../../../store/received/decisions.ts";
import { transactAlone } from "../../../store/database/transact.ts";

export interface VerdictReader {
  /** Those that came on record since the last call, the oldest first; at most {@link PAGE}. */
  next(): Promise<readonly Decision[]>;
  close(): void;
}

/** VerdictReader read at once. */
const PAGE = 500;

interface Opened {
  readonly database: DatabaseSync;
  readonly decisions: Decisions;
}

/** @param dataDir Of the bot that is watched. */
export function createVerdictReader(dataDir: string): VerdictReader {
  const path = join(dataDir, DATABASE_NAME);
  let opened: Opened | undefined;
  let last = 0;
  return {
    async next() {
      opened ??= open(path);
      if (!opened) return [];
      const found = await opened.decisions.verdictsAfter(last, PAGE);
      last = found.at(-1)?.id ?? last;
      return found;
    },
    close() {
      opened?.database.close();
      opened = undefined;
    },
  };
}

/** @returns `undefined` while there are no tables to read. */
function open(path: string): Opened | undefined {
  if (!existsSync(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    return { database, decisions: createDecisions(database, transactAlone(database)) };
  } catch {
    database?.close();
    return undefined; // the bot is making it at this moment; the next call finds it
  }
}
