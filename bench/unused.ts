/**
 * Bench: CPU time for a dispatch that the bot does not use. Discord sends many kinds, and each
 * costs time.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf } from "./proc.ts";
import { type Contender, openStand, type Stand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const DISPATCHES = 100_000;
const WARM_UP = 10_000;
/** Sends without a pause, unless so many bytes wait for the bot to read. */
const BURST = 100;
const BACKLOG_BYTES = 1024 * 1024;

export async function benchUnused(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    const { pid } = await stand.start();
    await send(stand, WARM_UP);
    const cpuMs = cpuMsOf(pid);
    await send(stand, DISPATCHES);
    return { unusedCpuUs: (cpuMsOf(pid) - cpuMs) / DISPATCHES * 1_000 };
  } finally {
    await stand.close();
  }
}

/** Sends so many dispatches, and waits until the bot has read them all. */
async function send({ discord, channels, ...stand }: Stand, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    discord.pinsChanged(channels[number % channels.length] ?? "general");
    if (number % BURST > 0) continue;
    await sleep(0); // or the socket would send nothing
    while (discord.backlogBytes() > BACKLOG_BYTES) await sleep(1);
  }
  stand.forget();
  stand.ask("general");
  await stand.posts(1);
}
