/**
 * Bench: a backup of a store of 1 GB while the bot answers, plain and encrypted, beside `cp` and
 * `fsync` of the same file, which is the least that any copy costs.
 */

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf } from "../stand/proc.ts";
import { onCores } from "../stand/cores.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const ROWS = 1_050_000;
const QUICK_ROWS = 240_000;
/** Between two questions, in turn in three channels. */
const PAUSE_MS = 360;
/** Questions before the first backup. */
const BEFORE = 60;
const LOOK_MS = 20;

export async function benchBackup(contender: Contender, isQuick: boolean): Promise<Readings> {
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-"));
  const dataDir = join(dir, "data");
  try {
    mkdirSync(dataDir, { mode: 0o700 });
    const grown = { ...contender, dataDir };
    await grow(grown, isQuick ? QUICK_ROWS : ROWS);
    const store = join(dataDir, "barnacle.db");
    const stand = openStand(grown);
    try {
      await stand.start();
      const before = await whileAsking(stand, async (asked) => {
        while (asked() < BEFORE) await sleep(PAUSE_MS);
      });
      const copyMs = copyMsOf(store, dir);
      const readings: Record<string, number> = {
        backupStoreMb: statSync(store).size / 1e6,
        backupCopySec: copyMs / 1_000,
        backupNoneP95: quantile(before, 0.95),
        backupNoneMax: quantile(before, 1),
      };
      for (const kind of ["Plain", "Sealed"] as const) {
        await sleep(5_000); // the kernel writes the last file
        let ran = { wallMs: NaN, cpuMs: NaN, bytes: NaN };
        const during = await whileAsking(stand, async () => {
          ran = await makeBackup(grown, dir, kind === "Sealed");
        });
        readings[`backup${kind}Sec`] = ran.wallMs / 1_000;
        readings[`backup${kind}CpuSec`] = ran.cpuMs / 1_000;
        readings[`backup${kind}Copies`] = ran.wallMs / copyMs;
        readings[`backup${kind}Mb`] = ran.bytes / 1e6;
        readings[`backup${kind}Replies`] = during.length;
        readings[`backup${kind}P95`] = quantile(during, 0.95);
        readings[`backup${kind}Max`] = quantile(during, 1);
      }
      return readings;
    } finally {
      await stand.close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Asks until the work is done. @returns The milliseconds to each reply. */
async function whileAsking(
  stand: Stand,
  work: (asked: () => number) => Promise<void>,
): Promise<readonly number[]> {
  const waits: number[] = [];
  let isDone = false;
  const done = work(() => waits.length).finally(() => isDone = true);
  while (!isDone) {
    stand.forget();
    const saidAt = performance.now();
    stand.ask(stand.channels[waits.length % 3] ?? "general");
    await stand.posts(1);
    const ms = (stand.postedAt[0] ?? NaN) - saidAt;
    waits.push(ms);
    await sleep(PAUSE_MS - Math.min(ms, PAUSE_MS));
  }
  await done;
  return waits;
}

/** Lets Barnacle make a store, and adds entries of conversations. */
async function grow(contender: Contender, rows: number): Promise<void> {
  const stand = openStand(contender);
  try {
    await stand.start();
    stand.ask("general");
    await stand.posts(1);
    await sleep(1_000);
  } finally {
    await stand.close();
  }
  const database = new DatabaseSync(join(contender.dataDir ?? "", "barnacle.db"));
  try {
    const words = wordsOf();
    const insert = database.prepare(
      `INSERT INTO entry (agent_id, session_key, channel_id, role, text, message_id, at)
       SELECT agent_id, session_key || '-' || :session, channel_id, 'assistant', :text, message_id, at
       FROM entry ORDER BY id LIMIT 1`,
    );
    database.exec("BEGIN");
    for (let row = 0; row < rows; row++) {
      insert.run({ session: Math.floor(row / 200), text: words(140) });
    }
    database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/** Text that compresses about as people's: few words are frequent. The same in each run. */
function wordsOf(): (count: number) => string {
  let state = 1;
  const random = () => (state = Math.imul(state, 1_664_525) + 1_013_904_223 >>> 0) / 2 ** 32;
  const vowels = ["a", "e", "i", "o", "u"];
  const letter = () => String.fromCharCode(97 + Math.floor(random() * 26));
  const syllable = () => letter() + (vowels[Math.floor(random() * 5)] ?? "");
  const words = Array.from(
    { length: 20_000 },
    () => Array.from({ length: 1 + Math.floor(random() * 3) }, syllable).join(""),
  );
  return (count) =>
    Array.from({ length: count }, () => words[Math.floor(words.length * random() ** 4)]).join(" ");
}

function copyMsOf(file: string, dir: string): number {
  const copy = join(dir, "copy");
  const startedAt = performance.now();
  execFileSync("sh", ["-c", 'cp "$0" "$1" && sync "$1"', file, copy]);
  const ms = performance.now() - startedAt;
  rmSync(copy);
  return ms;
}

/** Runs the command on both cores, as an operator does. The CPU time is exact to {@link LOOK_MS}. */
async function makeBackup({ command, dataDir = "" }: Contender, dir: string, isSealed: boolean) {
  const path = join(dir, `copy.${isSealed ? "age" : "zst"}`);
  const { program, args } = onCores(command, "two");
  const startedAt = performance.now();
  const child = spawn(
    program,
    [...args, "backup", "--data", dataDir, "--to", path, "--json"].concat(
      isSealed ? ["--passphrase-file", "/dev/stdin"] : [],
    ),
    { stdio: ["pipe", "ignore", "inherit"] },
  );
  child.stdin.end("correct horse battery staple\n");
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let cpuMs = 0;
  const look = setInterval(() => {
    try {
      cpuMs = cpuMsOf(child.pid ?? 0);
    } catch {
      // It has ended.
    }
  }, LOOK_MS);
  const code = await ended;
  clearInterval(look);
  const wallMs = performance.now() - startedAt;
  if (code !== 0) throw new Error(`the backup ended with ${code}`);
  const bytes = statSync(path).size;
  rmSync(path);
  return { wallMs, cpuMs, bytes };
}
