/**
 * Bench: many messages at once, over fifty channels: CPU time for each reply, and replies per
 * second.
 *
 * The bench's own CPU time is printed beside it. If it equals the bot's, it limits the replies per
 * second.
 */

import process from "node:process";
import { cpuMsOf } from "./proc.ts";
import { type Contender, openStand, type Stand } from "./stand.ts";
import type { Readings } from "./stats.ts";

/** Messages in each channel: 1,000 in all before the clock runs, so that hot code is compiled. */
const WARM_UP = 20;
/** 5,000 in all, in bursts that fit one socket. */
const BURSTS = 5;
const BURST = 20;

export async function benchThroughput(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await askEverywhere(stand, WARM_UP);
    return await measureBursts(stand, pid);
  } finally {
    await stand.close();
  }
}

/** Measures replies in bursts, of a bot that runs and is warm. */
async function measureBursts(stand: Stand, pid: number): Promise<Readings> {
  const cpuMs = cpuMsOf(pid);
  const ownCpuMs = cpuMsOf(process.pid);
  const startedAt = performance.now();
  let count = 0;
  for (let burst = 0; burst < BURSTS; burst++) count += await askEverywhere(stand, BURST);
  return {
    replyCpuMs: (cpuMsOf(pid) - cpuMs) / count,
    repliesPerSec: count / (performance.now() - startedAt) * 1_000,
    benchCpuMs: (cpuMsOf(process.pid) - ownCpuMs) / count,
  };
}

/** Asks in each channel so many times, and waits for all answers. @returns Their number. */
async function askEverywhere(stand: Stand, times: number): Promise<number> {
  stand.forget();
  for (let number = 0; number < times; number++) stand.channels.forEach(stand.ask);
  const count = times * stand.channels.length;
  await stand.posts(count);
  return count;
}
