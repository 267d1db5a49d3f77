/**
 * Reads the verdicts of a bot that runs in another process.
 *
 * It opens the bot's database read-only and polls it. Without a database the bot has decided nothing
 * yet.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_NAME } from "../../../host/files/data_dir.ts";
import { createDecisions } from "../../../store/received/message_record.ts";
import { createUngroupedTransactions } from "../../../store/database/transact.ts";
import type { RecordedVerdict, RecordedVerdicts } from "../../../core/store/received.ts";

/** Reads verdicts in order. */
export interface VerdictReader {
  /** New verdicts since the last call, the oldest first; at most {@link PAGE}. */
  next(): Promise<readonly RecordedVerdict[]>;
  /** Closes the database. */
  close(): void;
}

/** Maximum number of verdicts per read. */
const PAGE = 500;

interface Opened {
  readonly database: DatabaseSync;
  readonly decisions: RecordedVerdicts;
}

/**
 * Creates a reader from the first verdict on.
 *
 * @param dataDir The bot's data directory.
 */
export function createVerdictReader(dataDir: string): VerdictReader {
  const path = join(dataDir, DATABASE_NAME);
  let opened: Opened | undefined;
  let last = 0;
  return {
    async next() {
      opened ??= open(path);
      if (!opened) return [];
      const decisions = await opened.decisions.verdictsAfter(last, PAGE);
      last = decisions.at(-1)?.id ?? last;
      return decisions;
    },
    close() {
      opened?.database.close();
      opened = undefined;
    },
  };
}

/** @returns `undefined` while the tables do not exist. */
function open(path: string): Opened | undefined {
  if (!existsSync(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    return {
      database,
      decisions: createDecisions(database, createUngroupedTransactions(database)),
    };
  } catch {
    database?.close();
    return undefined; // the bot is creating it now; the next call opens it
  }
}
