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

export function benchThroughput(contender: Contender): Promise<Readings> {
  return measureReplies(contender);
}

/**
 * Measures replies in bursts.
 *
 * @param read Counters that grow. The result has the growth of each for one reply.
 */
export async function measureReplies(
  contender: Contender,
  read: () => Promise<Readings> = () => Promise.resolve({}),
): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    return await measureBursts(stand, [pid], read);
  } finally {
    await stand.close();
  }
}

/** As {@link measureReplies}, of a bot that runs. @param pids Its processes. */
export async function measureBursts(
  stand: Stand,
  pids: readonly number[],
  read: () => Promise<Readings>,
): Promise<Readings> {
  const askEverywhere = async (times: number): Promise<number> => {
    stand.forget();
    for (let number = 0; number < times; number++) stand.channels.forEach(stand.ask);
    const count = times * stand.channels.length;
    await stand.posts(count);
    return count;
  };
  const botCpuMs = () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
  await askEverywhere(WARM_UP);

  const before = await read();
  const cpuMs = botCpuMs();
  const ownCpuMs = cpuMsOf(process.pid);
  const startedAt = performance.now();
  let count = 0;
  for (let burst = 0; burst < BURSTS; burst++) count += await askEverywhere(BURST);
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
