/**
 * Bench: Barnacle with a store of years, 1,000,000 rows in the inbox, the outbox and the decisions,
 * beside a new store in the same run.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { flood } from "../process/chatter.ts";
import { benchLatency } from "./latency.ts";
import { seedRows } from "../stand/seed_rows.ts";
import { type Contender, IDENTIFY_SPACING_MS, openStand } from "../stand/stand.ts";
import { once, warmStarts } from "../process/start.ts";
import type { Readings } from "../stand/stats.ts";
import { emptyKey, fullKey } from "../stand/table.ts";
import { benchThroughput } from "./throughput.ts";

const ROWS = 1_000_000;
const QUICK_ROWS = 100_000;
/** Barnacle keeps 200,000 decisions by default, and would delete the others. */
const KEPT = { store: { retention: { decisionsMax: 10 * ROWS } } };
/** Waits until the store has the rows that follow the reply. */
const SETTLE_MS = 1_000;

export async function benchMillionRows(contender: Contender, isQuick: boolean): Promise<Readings> {
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-"));
  const seededRows = isQuick ? QUICK_ROWS : ROWS;
  try {
    const stores = [
      { grown: await makeStore(contender, join(dir, "empty"), 0), keyOf: emptyKey },
      { grown: await makeStore(contender, join(dir, "full"), seededRows), keyOf: fullKey },
    ];
    const readings: Record<string, number> = { seededRows };
    for (const bench of [benchWarmStart, benchLatency, benchThroughput, benchFlood]) {
      for (const { grown, keyOf } of stores) {
        await sleep(IDENTIFY_SPACING_MS);
        for (const [figure, value] of Object.entries(await bench(grown))) {
          readings[keyOf(figure)] = value;
        }
      }
    }
    return readings;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Lets Barnacle make a store with an answered and an ignored message, and adds rows.
 *
 * @returns Barnacle with that store.
 */
async function makeStore(contender: Contender, dataDir: string, rows: number): Promise<Contender> {
  mkdirSync(dataDir, { mode: 0o700 });
  const grown = { ...contender, dataDir, config: KEPT };
  const stand = openStand(grown);
  try {
    await stand.start();
    stand.chat("general", 1);
    stand.ask("general");
    await stand.posts(1);
    await sleep(SETTLE_MS);
  } finally {
    await stand.close();
  }
  seedRows(join(dataDir, "barnacle.db"), rows);
  return grown;
}

async function benchWarmStart(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    await once(stand, "one"); // each stand is another server
    const { identifyMs, replyMs } = await warmStarts(contender, stand, "one");
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
