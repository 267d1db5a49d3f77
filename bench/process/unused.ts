/**
 * Bench: CPU time for a dispatch that the bot does not use. Discord sends many kinds, and each
 * costs time.
 */

import { sendPaced } from "../stand/paced.ts";
import { cpuMsOf } from "../stand/proc.ts";
import { type Contender, openStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const DISPATCHES = 100_000;
const WARM_UP = 10_000;

export async function benchUnused(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await sendPaced(stand, WARM_UP, stand.discord.pinsChanged);
    const cpuMs = cpuMsOf(pid);
    await sendPaced(stand, DISPATCHES, stand.discord.pinsChanged);
    return { unusedCpuUs: (cpuMsOf(pid) - cpuMs) / DISPATCHES * 1_000 };
  } finally {
    await stand.close();
  }
}
