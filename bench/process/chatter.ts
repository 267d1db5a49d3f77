/**
 * Bench: a bot in a busy guild in which no message is for it. It measures CPU time for each ignored
 * message, and memory during and after floods of 100,000 of them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { answered, sendPaced } from "../stand/paced.ts";
import { cpuMsOf, forgetPeak, memoryOf, peakRssMibOf } from "../stand/proc.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const MESSAGES = 100_000;
const SETTLE_MS = 3_000;
const LATER_MS = 10_000;

export async function benchChatter(contender: Contender): Promise<Readings> {
  return await onRestedStand(contender, async (stand, pid) => {
    forgetPeak(pid);
    const ignored = await flood(stand, pid);
    const afterRssMib = memoryOf(pid).rssMib;
    const floodPeakMib = peakRssMibOf(pid);
    await sleep(LATER_MS);
    return { ...ignored, floodPeakMib, afterRssMib, laterRssMib: memoryOf(pid).rssMib };
  });
}

/** Measures whether memory grows from flood to flood. */
export async function benchFloods(contender: Contender): Promise<Readings> {
  return await onRestedStand(contender, async (stand, pid) => {
    const rssMib: number[] = [];
    for (let number = 0; number < 3; number++) {
      await flood(stand, pid);
      await sleep(LATER_MS);
      rssMib.push(memoryOf(pid).rssMib);
    }
    const [first = NaN, second = NaN, third = NaN] = rssMib;
    return { secondAddsMib: second - first, thirdAddsMib: third - second };
  });
}

/** The bot has answered once before. */
async function onRestedStand(
  contender: Contender,
  bench: (stand: Stand, pid: number) => Promise<Readings>,
): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await answered(stand);
    await sleep(SETTLE_MS);
    return await bench(stand, pid);
  } finally {
    await stand.close();
  }
}

/** Sends 100,000 messages, and waits until the bot has read them all. */
export async function flood(stand: Stand, pid: number): Promise<Readings> {
  const cpuMs = cpuMsOf(pid);
  const startedAt = performance.now();
  await sendPaced(stand, MESSAGES, stand.chat);
  return {
    ignoredCpuUs: (cpuMsOf(pid) - cpuMs) / MESSAGES * 1_000,
    ignoredPerSec: MESSAGES / (performance.now() - startedAt) * 1_000,
  };
}
