/**
 * Barnacle with a store of years: 1,000,000 rows in the inbox, the outbox and the decisions, beside
 * a new store in the same run.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { flood } from "./chatter.ts";
import { benchLatency } from "./latency.ts";
import { seedRows } from "./seed_rows.ts";
import { type Contender, IDENTIFY_SPACING_MS, openStand } from "./stand.ts";
import { warmStarts } from "./start.ts";
import type { Readings } from "./stats.ts";
import { emptyKey, fullKey } from "./table.ts";
import { benchThroughput } from "./throughput.ts";

const ROWS = 1_000_000;
const QUICK_ROWS = 100_000;

export async function benchMillionRows(contender: Contender, isQuick: boolean): Promise<Readings> {
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-"));
  try {
    const seededRows = isQuick ? QUICK_ROWS : ROWS;
    const readings: Record<string, number> = { seededRows };
    for (const [name, rows] of [["empty", 0], ["full", seededRows]] as const) {
      const dataDir = join(dir, name);
      mkdirSync(dataDir, { mode: 0o700 });
      const grown = { ...contender, dataDir };
      await makeStore(grown);
      seedRows(join(dataDir, "barnacle.db"), rows);
      const keyOf = name === "empty" ? emptyKey : fullKey;
      const benches = [benchWarmStart, benchLatency, benchThroughput, benchFlood];
      for (const bench of benches) {
        for (const [figure, value] of Object.entries(await bench(grown))) {
          readings[keyOf(figure)] = value;
        }
        await sleep(IDENTIFY_SPACING_MS);
      }
    }
    return readings;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Has Barnacle make the store, with a message that it answers and some that it does not. */
async function makeStore(contender: Contender): Promise<void> {
  const stand = openStand(contender);
  try {
    await stand.start();
    stand.chat("general", 1);
    stand.ask("general");
    await stand.posts(1);
    await sleep(1_000);
  } finally {
    await stand.close();
  }
}

async function benchWarmStart(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { identifyMs, replyMs } = await warmStarts(stand, "one");
    return { warmIdentifyMs: identifyMs, warmReplyMs: replyMs };
  } finally {
    await stand.close();
  }
}

async function benchFlood(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    return await flood(stand, pid);
  } finally {
    await stand.close();
  }
}
