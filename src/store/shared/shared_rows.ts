/**
 * Implements `store.sharedRows`: notes each change of some tables, and takes those of other partitions.
 *
 * A row has one note: only its last change counts.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Partition } from "../../core/discord/partition.ts";
import {
  COUNTS,
  FORGOTTEN,
  type OrderedChange,
  type SharedRows,
} from "../../core/partitions/shared_rows.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { prepareSharedTable, SHARED_TABLES } from "./shared_tables.ts";

const DDL = `
  CREATE TABLE IF NOT EXISTS shared_change (
    number INTEGER PRIMARY KEY, -- in the order of the last changes
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    value TEXT,
    UNIQUE (name, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS shared_position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    applied INTEGER NOT NULL
  ) STRICT;
  CREATE TEMP TABLE shared_quiet (one INTEGER);
`;

/** Changes to send at once. */
const AT_ONCE = 500;

const changeSchema = z.object({
  id: z.string(),
  name: z.string(),
  key: z.string(),
  value: z.string().nullable(),
});
const noteSchema = z.object({ id: z.string() });
const positionSchema = z.object({ applied: z.number() });

/** For the store itself. */
export interface ForgottenRows {
  /**
   * Within the transaction that forgets a person: drops the notes that name them, because each
   * partition deletes such rows by itself.
   *
   * @param isHere Whether the wish came to this partition, so that the others must learn of it.
   */
  forgotten(userId: string, isHere: boolean): void;
}

/**
 * Creates it.
 *
 * @param onApplied Rows of these tables have changed: memory may differ from them.
 */
export function createSharedRows(
  database: DatabaseSync,
  { commit, readUnjournaled }: Pick<Transactions, "commit" | "readUnjournaled">,
  { partition, onApplied }: {
    /** Of the store. */
    readonly partition: Partition;
    readonly onApplied: (tables: ReadonlySet<string>) => void;
  },
): SharedRows & ForgottenRows {
  database.exec(DDL);
  const tables = new Map(
    SHARED_TABLES.map((table) => [table.name, prepareSharedTable(database, table, partition)]),
  );
  const isAny = database.prepare("SELECT 1 FROM shared_change LIMIT 1");
  const newest = database.prepare(
    "SELECT id FROM shared_change WHERE name <> ? ORDER BY number DESC LIMIT 1",
  );
  const oldest = database.prepare(
    `SELECT id, name, key, value FROM shared_change ORDER BY number LIMIT ${AT_ONCE}`,
  );
  const noteOf = database.prepare("SELECT id FROM shared_change WHERE name = ? AND key = ?");
  const dropNote = database.prepare("DELETE FROM shared_change WHERE name = ? AND key = ?");
  const dropNaming = database.prepare(
    "DELETE FROM shared_change WHERE value IS NULL AND name <> ? AND instr(key, ?) > 0",
  );
  const addNote = database.prepare(
    `INSERT INTO shared_change (name, key, id, value)
     VALUES (?, ?, lower(hex(randomblob(16))), NULL)
     ON CONFLICT DO UPDATE SET id = excluded.id`,
  );
  const selectPosition = database.prepare("SELECT applied FROM shared_position");
  const savePosition = database.prepare(
    `INSERT INTO shared_position (one, applied) VALUES (1, ?)
     ON CONFLICT DO UPDATE SET applied = excluded.applied`,
  );
  const beQuiet = database.prepare("INSERT INTO shared_quiet VALUES (1)");
  const beLoud = database.prepare("DELETE FROM shared_quiet");

  function position(): number {
    const row = selectPosition.get();
    return row ? positionSchema.parse(row).applied : 0;
  }

  function noteId(name: string, key: string): string | undefined {
    const row = noteOf.get(name, key);
    return row && noteSchema.parse(row).id;
  }

  function take({ name, key, id, value, sequence }: OrderedChange): void {
    if (sequence <= position()) return;
    const noted = noteId(name, key);
    if (noted === id) dropNote.run(name, key);
    if (noted === undefined) tables.get(name)?.(key, value);
    savePosition.run(sequence);
  }

  return {
    isWaiting: () => readUnjournaled(() => isAny.get() !== undefined),
    newest: () =>
      readUnjournaled(() => {
        const row = newest.get(COUNTS);
        return row && noteSchema.parse(row).id;
      }),
    // A commit that is confirmed: a change that a takeover could undo must not reach the others.
    waiting: () =>
      commit(COMMIT_OPTIONS.BY_HAND, () => oldest.all().map((row) => changeSchema.parse(row))),
    position: () => readUnjournaled(position),
    confirmedPosition: () => commit(COMMIT_OPTIONS.BY_HAND, position),
    foreign: (changes) =>
      readUnjournaled(() => changes.filter(({ name, key, id }) => noteId(name, key) !== id)),
    apply: (changes) =>
      commit(UNNAMED, () => {
        beQuiet.run();
        try {
          for (const change of changes) take(change);
        } finally {
          beLoud.run();
        }
      }, { onStored: () => onApplied(new Set(changes.map(({ name }) => name))) }),
    forgotten(userId, isHere) {
      dropNaming.run(FORGOTTEN, userId);
      if (isHere) addNote.run(FORGOTTEN, JSON.stringify([userId]));
    },
  };
}
