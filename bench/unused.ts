/**
 * Bench: CPU time for a dispatch that the bot does not use. Discord sends many kinds, and each
 * costs time.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedDiscord } from "./discord.ts";
import { cpuMsOf } from "./proc.ts";
import { type Contender, openSimulatedStand, type Stand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const DISPATCHES = 50_000;
const WARM_UP = 5_000;
const BURST = 200;
const BURST_EVERY_MS = 5;

export async function benchUnused(contender: Contender): Promise<Readings> {
  const stand = await openSimulatedStand(contender);
  try {
    const { pid } = await stand.start();
    const message = stand.discord.simulator.say({ as: "ada", in: "general", text: "Krill!" });
    const on = { as: "grace", in: "general", message: message.id, emoji: "🦐" };
    const react = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number += 2) {
        stand.discord.simulator.react(on);
        stand.discord.simulator.unreact(on);
        if (number % BURST === 0) await sleep(BURST_EVERY_MS);
      }
      await read(stand);
    };
    await react(WARM_UP);
    const cpuMs = cpuMsOf(pid);
    await react(DISPATCHES);
    return { unusedCpuUs: (cpuMsOf(pid) - cpuMs) / DISPATCHES * 1_000 };
  } finally {
    await stand.close();
  }
}

/** An answered message shows that the bot has read everything before it. */
async function read(stand: Stand<SimulatedDiscord>): Promise<void> {
  stand.forget();
  stand.ask("general");
  await stand.posts(1);
}
