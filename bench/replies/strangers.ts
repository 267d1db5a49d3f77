/**
 * Bench: an owner's question while a person without rights floods the bot (X4a), with Discord's
 * limits: mentions in the same server, and slash commands. It measures the time until the answer
 * arrives at Discord, beside the time without a flood in the same process.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

/** Questions of the owner without a flood, and as many in each flood. */
const QUESTIONS = 20;
const EVERY_MS = 250;
/** Mentions or commands of the stranger in each burst: 1,600 a second, if the simulator is as fast. */
const BURST = 40;
const BURST_EVERY_MS = 25;

/** The stranger's mentions and commands count, and nothing of them is answered. */
const ONLY_ADA = {
  channels: { discord: { guilds: { "*": { users: ["ada"] } }, gateway: { compress: false } } },
};

export async function benchStrangers(contender: Contender): Promise<Readings> {
  const stand = await openSimulatedStand(contender, { isLimited: true, config: ONLY_ADA });
  const { simulator } = stand.discord;
  const mention = `<@${simulator.application.userId}>`;
  let asked = 0;

  async function answered(): Promise<number> {
    stand.forget();
    const channel = stand.channels[asked++ % stand.channels.length] ?? "general";
    const askedAt = performance.now();
    simulator.say({ as: "ada", in: channel, text: `${mention} what do krill eat?` });
    await stand.posts(1);
    return (stand.postedAt[0] ?? NaN) - askedAt;
  }

  async function ask(): Promise<readonly number[]> {
    const waits: number[] = [];
    for (let number = 0; number < QUESTIONS; number++) {
      waits.push(await answered());
      await sleep(EVERY_MS);
    }
    return waits;
  }

  async function askIn(flood: () => void) {
    let sent = 0;
    const startedAt = performance.now();
    const timer = setInterval(() => {
      for (let number = 0; number < BURST; number++) flood();
      sent += BURST;
    }, BURST_EVERY_MS);
    try {
      const waits = await ask();
      return { waits, perSec: sent / (performance.now() - startedAt) * 1_000 };
    } finally {
      clearInterval(timer);
    }
  }

  try {
    await stand.start();
    while (simulator.application.commands.length === 0) await sleep(EVERY_MS);
    await ask();
    const quiet = await ask();
    const mentions = await askIn(() =>
      void simulator.say({ as: "grace", in: "general", text: `${mention} answer me` })
    );
    const commands = await askIn(() =>
      void simulator.command({ as: "grace", in: "general", name: "status" })
    );
    return {
      ownerQuietP50: quantile(quiet, 0.5),
      ownerQuietMs: Math.max(...quiet),
      ownerMentionsP50: quantile(mentions.waits, 0.5),
      ownerMentionsMs: Math.max(...mentions.waits),
      ownerMentionsPerSec: mentions.perSec,
      ownerCommandsP50: quantile(commands.waits, 0.5),
      ownerCommandsMs: Math.max(...commands.waits),
      ownerCommandsPerSec: commands.perSec,
    };
  } finally {
    await stand.close();
  }
}
