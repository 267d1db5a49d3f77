/** Bench: the disk's time for a synced write, the lower bound for every bot that loses nothing. */

import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { quantile, type Readings } from "../stand/stats.ts";

const ROUNDS = 200;
const PAGE_BYTES = 4_096;

export function benchDisk(): Readings {
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-"));
  try {
    const sync = syncs(join(dir, "page"));
    const commit = commits(join(dir, "commit.sqlite"));
    return { syncMs: quantile(sync, 0.5), commitMs: quantile(commit, 0.5) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One page overwritten and synced: the cheapest durable write. */
function syncs(path: string): readonly number[] {
  const file = openSync(path, "w");
  const page = new Uint8Array(PAGE_BYTES).fill(1);
  try {
    return timed(() => {
      writeSync(file, page, 0, PAGE_BYTES, 0);
      fdatasyncSync(file);
    });
  } finally {
    closeSync(file);
  }
}

/** One row committed as in the store: WAL, `synchronous = FULL`. */
function commits(path: string): readonly number[] {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT) STRICT");
    const insert = database.prepare("INSERT INTO row (text) VALUES (?)");
    return timed(() => insert.run("x".repeat(300)));
  } finally {
    database.close();
  }
}

function timed(act: () => void): readonly number[] {
  return Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    act();
    return performance.now() - startedAt;
  });
}
