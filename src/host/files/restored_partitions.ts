/**
 * Notes the partitions in a data directory that backups were restored into (O16).
 *
 * Each process backs up the partitions that it owns. Until all backups are restored, a start would begin
 * the lacking partitions anew.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAIN_NAME, PARTITIONS_NAME } from "./data_dir.ts";

const NOTE_NAME = "restored";

/** Partitions that were restored. */
export interface RestoredPartitions {
  /** Number of partitions of the bot. */
  readonly count: number;
  /** When the backup was made that each restored one is from, as Unix time in milliseconds. */
  readonly madeAt: ReadonlyMap<number, number>;
}

/** Reads the note; `undefined` if nothing is restored, or the bot has run since. */
export function readRestored(dataDir: string): RestoredPartitions | undefined {
  const path = join(dataDir, PARTITIONS_NAME, NOTE_NAME);
  if (!existsSync(path)) return undefined;
  const [count, ...lines] = readFileSync(path, "utf8").split("\n");
  const madeAt = lines.map((line) => line.split(" ").map(Number));
  return {
    count: Number(count),
    madeAt: new Map(madeAt.map(([index = NaN, at = NaN]) => [index, at])),
  };
}

/** Notes them. Commands use the store of the first one. */
export function noteRestored(dataDir: string, { count, madeAt }: RestoredPartitions): void {
  const folder = join(dataDir, PARTITIONS_NAME);
  for (let index = 0; index < count; index++) {
    mkdirSync(join(folder, `${index}`), { recursive: true, mode: 0o700 });
  }
  const lines = Array.from(madeAt, ([index, at]) => `${index} ${at}`);
  const options = { mode: 0o600, flush: true };
  writeFileSync(join(folder, NOTE_NAME), [`${count}`, ...lines].join("\n"), options);
  writeFileSync(join(folder, MAIN_NAME), `${Math.min(...madeAt.keys())}`, options);
}

/** The bot runs with all of them. */
export function forgetRestored(dataDir: string): void {
  rmSync(join(dataDir, PARTITIONS_NAME, NOTE_NAME), { force: true });
}
