/**
 * Bench: an idle bot: memory before and after its first reply, and CPU time and disk writes in a
 * minute.
 */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf, watchCpu } from "./proc.ts";
import { type Contender, openStand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const SETTLE_MS = 3_000;
/** Wait after the reply: deferred work of a turn is over then. */
const REST_MS = 10_000;
const MINUTE_MS = 60_000;
const QUICK_MS = 20_000;
/** Commits that are closer together count once. */
const LOOK_EVERY_MS = 25;

export async function benchIdle(contender: Contender, isQuick: boolean): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await sleep(SETTLE_MS);
    const before = memoryOf(pid);
    stand.ask("general");
    await stand.posts(1);
    await sleep(REST_MS);
    const after = memoryOf(pid);

    const windowMs = isQuick ? QUICK_MS : MINUTE_MS;
    const minutes = windowMs / MINUTE_MS;
    const cpu = watchCpu(pid);
    const writes = await writesWithin(stand.dataDir, windowMs, cpu.look);
    return {
      idleRssMib: before.rssMib,
      idleDirtyMib: before.privateDirtyMib,
      repliedRssMib: after.rssMib,
      repliedDirtyMib: after.privateDirtyMib,
      idleCpuMs: cpu.ms() / minutes,
      idleWrites: writes / minutes,
    };
  } finally {
    await stand.close();
  }
}

/**
 * Counts changes of a file in the directory: each commit of SQLite writes to its log.
 *
 * @param look Called between two looks.
 */
async function writesWithin(dir: string, windowMs: number, look: () => void): Promise<number> {
  const until = performance.now() + windowMs;
  let known = stampsOf(dir);
  let writes = 0;
  while (performance.now() < until) {
    await sleep(LOOK_EVERY_MS);
    look();
    const stamps = stampsOf(dir);
    if (stamps !== known) writes += 1;
    known = stamps;
  }
  return writes;
}

function stampsOf(dir: string): string {
  return readdirSync(dir).map((file) => statSync(join(dir, file), { bigint: true }))
    .filter((file) => file.isFile())
    .map(({ ino, mtimeNs, size }) => `${ino} ${mtimeNs} ${size}`).join();
}
