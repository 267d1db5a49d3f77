/**
 * A bot at rest, and a bot in a busy guild in which nobody speaks to it: memory,
 * and CPU time for each message that is none of its business.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf, memoryOf } from "./proc.ts";
import { type Contender, openStand, type Stand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const MESSAGES = 100_000;
/** Said without a pause in between; a flood, but one that a socket can hold. */
const BURST = 100;
const BURST_EVERY_MS = 10;
const SETTLE_MS = 3_000;
const LATER_MS = 10_000;

export async function benchChatter(contender: Contender): Promise<Readings> {
  const stand = await openStand(contender);
  try {
    const { pid } = await stand.start();
    await sleep(SETTLE_MS);
    const idle = memoryOf(pid);

    const cpuMs = cpuMsOf(pid);
    await flood(stand, MESSAGES);
    await answered(stand);
    const ignoredCpuUs = (cpuMsOf(pid) - cpuMs) / MESSAGES * 1_000;
    const after = memoryOf(pid);

    await sleep(LATER_MS);
    return {
      idleRssMib: idle.rssMib,
      idleDirtyMib: idle.privateDirtyMib,
      ignoredCpuUs,
      afterRssMib: after.rssMib,
      laterRssMib: memoryOf(pid).rssMib,
    };
  } finally {
    await stand.close();
  }
}

async function flood(stand: Stand, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const channel = stand.channels[number % stand.channels.length] ?? "general";
    stand.chat(channel, number);
    if (number % BURST === 0) await sleep(BURST_EVERY_MS);
  }
}

/** What was said before a message that is answered has been read. */
async function answered(stand: Stand): Promise<void> {
  stand.forget();
  stand.ask("general");
  await stand.posts(1);
}
