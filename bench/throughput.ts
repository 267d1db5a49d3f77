/**
 * Many messages at once, over fifty channels: CPU time for each reply, and
 * replies in a second. The latter is also the simulator's limit.
 *
 * @module
 */

import { cpuMsOf } from "./proc.ts";
import { type Contender, openStand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const WARM_UP = 2;
const MESSAGES = 40;

export async function benchThroughput(contender: Contender): Promise<Readings> {
  const stand = await openStand(contender);
  const askEverywhere = (times: number): number => {
    for (let number = 0; number < times; number++) stand.channels.forEach(stand.ask);
    return times * stand.channels.length;
  };
  try {
    const { pid } = await stand.start();
    await stand.posts(askEverywhere(WARM_UP));
    stand.forget();

    const cpuMs = cpuMsOf(pid);
    const startedAt = performance.now();
    const count = askEverywhere(MESSAGES);
    await stand.posts(count);
    return {
      replyCpuMs: (cpuMsOf(pid) - cpuMs) / count,
      repliesPerSec: count / (performance.now() - startedAt) * 1_000,
    };
  } finally {
    await stand.close();
  }
}
