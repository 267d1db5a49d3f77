/**
 * Gives rows that people name by their number such numbers as no other partition gives (O16).
 *
 * Partition i of n gives those that leave the remainder i after division by n, above all that its store
 * has had.
 */

import type { DatabaseSync } from "node:sqlite";
import type { Partition } from "../../core/discord/partition.ts";

/** Lets the next insert into a table take a number of this partition, within the same transaction. */
export type OwnNumber = (table: string) => void;

/** Prepares it. The tables must have numbers that never come again (`AUTOINCREMENT`). */
export function prepareOwnNumbers(database: DatabaseSync, { index, count }: Partition): OwnNumber {
  const select = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?");
  const update = database.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = ?");
  const insert = database.prepare("INSERT INTO sqlite_sequence (seq, name) VALUES (?, ?)");
  return (table) => {
    const row = select.get(table);
    const last = Number(row?.["seq"] ?? 0);
    // SQLite adds 1 to the number here.
    const before = last + (((index - last - 1) % count) + count) % count;
    (row ? update : insert).run(before, table);
  };
}
