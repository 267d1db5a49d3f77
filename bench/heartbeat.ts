/**
 * Bench: the delay of a heartbeat while the bot's main thread is busy.
 *
 * Discord may ask for a heartbeat at any time (op 1), and such a heartbeat waits like a due one. So
 * the bench asks again and again, and the longest wait counts.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { BURN_MS, type Contender, openStand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const SETTLE_MS = 1_000;
const ASK_EVERY_MS = 100;
/** Precision of a wait, in milliseconds. */
const LOOK_EVERY_MS = 1;

export async function benchHeartbeat(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  const { discord } = stand;

  async function beat(): Promise<number> {
    const known = discord.heartbeats();
    const askedAt = performance.now();
    discord.askHeartbeat();
    while (discord.heartbeats() === known) await sleep(LOOK_EVERY_MS);
    return performance.now() - askedAt;
  }

  try {
    const bot = await stand.start();
    await sleep(SETTLE_MS);
    const waits: number[] = [];
    const burnsUntil = performance.now() + BURN_MS;
    bot.burn();
    await sleep(ASK_EVERY_MS);
    while (performance.now() < burnsUntil) {
      waits.push(await beat());
      await sleep(ASK_EVERY_MS);
    }
    return { burnBeatMs: Math.max(...waits) };
  } finally {
    await stand.close();
  }
}
