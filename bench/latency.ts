/**
 * Bench: one message at a time, in a channel with a history. It measures the bot's time from the
 * message to the model, and from the model to Discord, and the disk's time for a synced write: the
 * lower bound for every bot that loses nothing.
 */

import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openStand } from "./stand.ts";
import { quantile, type Readings } from "./stats.ts";

/** A bot that has run for a day: its hot code is compiled (`host/process/engine_options.ts`). */
const WARM_UP = 600;
const MESSAGES = 150;
/** Pause between two messages, so that each finds an idle bot. */
const PAUSE_MS = 20;

export async function benchLatency(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  const toModel: number[] = [];
  const toPost: number[] = [];
  try {
    await stand.start();
    for (let number = 0; number < WARM_UP + MESSAGES; number++) {
      stand.forget();
      const saidAt = performance.now();
      stand.ask("general");
      await stand.posts(1);
      if (number >= WARM_UP) {
        toModel.push((stand.model.askedAt[0] ?? NaN) - saidAt);
        toPost.push((stand.postedAt[0] ?? NaN) - (stand.model.answeredAt[0] ?? NaN));
      }
      await sleep(PAUSE_MS);
    }
    const { dataDir } = stand;
    return { ...quantiles(toModel, toPost), syncMs: syncMsIn(dataDir) };
  } finally {
    await stand.close();
  }
}

function quantiles(toModel: readonly number[], toPost: readonly number[]): Readings {
  return {
    toModelP50: quantile(toModel, 0.5),
    toModelP99: quantile(toModel, 0.99),
    toPostP50: quantile(toPost, 0.5),
    toPostP99: quantile(toPost, 0.99),
  };
}

/** The median time of a page that is overwritten and synced, the cheapest durable write. */
function syncMsIn(dir: string): number {
  const file = openSync(join(dir, "page"), "w");
  const page = new Uint8Array(4_096).fill(1);
  try {
    const times = Array.from({ length: MESSAGES }, () => {
      const startedAt = performance.now();
      writeSync(file, page, 0, page.length, 0);
      fdatasyncSync(file);
      return performance.now() - startedAt;
    });
    return quantile(times, 0.5);
  } finally {
    closeSync(file);
  }
}
