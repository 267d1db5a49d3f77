/**
 * Bench: the time from a slash command to its acknowledgement (K5), also while the bot's main thread
 * is busy, and the requests that a restart writes with unchanged commands (K1).
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const COMMANDS = 200;
const BURN_COMMANDS = 20;
const BURN_EVERY_MS = 100;
/** Precision of a wait, in milliseconds. */
const LOOK_EVERY_MS = 1;

export async function benchCommands(contender: Contender): Promise<Readings> {
  if (!contender.isBarnacle) return {}; // the others register none
  const stand = await openSimulatedStand(contender, { isResumable: true });
  const { simulator } = stand.discord;
  const isRegistered = () => simulator.application.commands.length > 0;
  let writes = 0;
  simulator.requests.subscribe(({ method, path }) => {
    if (method === "PUT" && path.endsWith("/commands")) writes++;
  });

  async function acknowledged(): Promise<number> {
    const asked = simulator.command({ as: "grace", in: "general", name: "status" });
    const askedAt = performance.now();
    while (!asked.answer) await sleep(LOOK_EVERY_MS);
    return performance.now() - askedAt;
  }

  try {
    const bot = await stand.start();
    while (!isRegistered()) await sleep(BURN_EVERY_MS);
    const waits: number[] = [];
    for (let count = 0; count < COMMANDS; count++) waits.push(await acknowledged());
    const burns: number[] = [];
    bot.burn();
    await sleep(BURN_EVERY_MS);
    for (let count = 0; count < BURN_COMMANDS; count++) {
      burns.push(await acknowledged());
      await sleep(BURN_EVERY_MS);
    }
    await bot.stop();
    const { length: registered } = simulator.application.commands;
    writes = 0;
    const looks = () =>
      simulator.requests.records().filter(({ method, path }) =>
        method === "GET" && path.split("?")[0]?.endsWith("/commands")
      ).length;
    const before = looks();
    const again = await stand.start();
    while (looks() === before) await sleep(BURN_EVERY_MS);
    await sleep(BURN_EVERY_MS);
    await again.stop();
    return {
      commandAckP50: quantile(waits, 0.5),
      commandAckP99: quantile(waits, 0.99),
      burnCommandMs: Math.max(...burns),
      commands: registered,
      commandWrites: writes,
    };
  } finally {
    await stand.close();
  }
}
