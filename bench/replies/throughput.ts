/**
 * Bench: many messages at once, over fifty channels: CPU time for each reply, and replies per
 * second.
 *
 * The bench's own CPU time is printed beside it. If it equals the bot's, it limits the replies per
 * second.
 */

import process from "node:process";
import { cpuMsOf } from "../stand/proc.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

/** Messages in each channel: 1,000 in all before the clock runs, so that hot code is compiled. */
const WARM_UP = 20;
/** 5,000 in all, in bursts that fit one socket. */
const BURSTS = 5;
const BURST = 20;

export async function benchThroughput(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await warm(stand);
    return await measureBursts(stand, [pid]);
  } finally {
    await stand.close();
  }
}

/**
 * Lets a bot compile its hot code.
 *
 * @param processes Their number; each gets as many messages as a single one.
 */
export async function warm(stand: Stand, processes = 1): Promise<void> {
  for (let warmed = 0; warmed < processes; warmed++) await askEverywhere(stand, WARM_UP);
}

/**
 * Measures replies in bursts, of a bot that runs and is warm.
 *
 * @param pids Its processes.
 * @param read Counters that grow. The result has the growth of each for one reply.
 */
export async function measureBursts(
  stand: Stand,
  pids: readonly number[],
  read: () => Promise<Readings> = () => Promise.resolve({}),
): Promise<Readings> {
  const botCpuMs = () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  const before = await read();
  const cpuMs = botCpuMs();
  const ownCpuMs = cpuMsOf(process.pid);
  const startedAt = performance.now();
  let count = 0;
  for (let burst = 0; burst < BURSTS; burst++) count += await askEverywhere(stand, BURST);
  const readings = {
    replyCpuMs: (botCpuMs() - cpuMs) / count,
    repliesPerSec: count / (performance.now() - startedAt) * 1_000,
    benchCpuMs: (cpuMsOf(process.pid) - ownCpuMs) / count,
  };
  const grown = Object.entries(await read()).map((
    [figure, value],
  ) => [figure, (value - (before[figure] ?? 0)) / count]);
  return { ...readings, ...Object.fromEntries(grown) };
}

/** Asks in each channel so many times, and waits for all answers. @returns Their number. */
async function askEverywhere(stand: Stand, times: number): Promise<number> {
  stand.forget();
  for (let number = 0; number < times; number++) stand.channels.forEach(stand.ask);
  const count = times * stand.channels.length;
  await stand.posts(count);
  return count;
}
