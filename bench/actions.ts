/**
 * Bench: the memory that actions of the tool `discord` add to a bot.
 *
 * The bot first runs turns with a tool that does not exist, so that code and heaps have their usual
 * size. Then as many turns call an action that reads the server's roles and the asker's member. The
 * same number of turns without the action follows, because memory also grows with turns alone.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf } from "./proc.ts";
import { type Contender, openSimulatedStand } from "./stand.ts";
import type { Readings } from "./stats.ts";

const TURNS = 200;
const REST_MS = 5_000;

export async function benchActions(contender: Contender): Promise<Readings> {
  const stand = await openSimulatedStand(contender);
  const { model, channels } = stand;
  const rssAfter = async (pid: number): Promise<number> => {
    for (let number = 0; number < TURNS; number++) {
      stand.forget();
      stand.ask(channels[number % channels.length] ?? "");
      await stand.posts(1);
    }
    await sleep(REST_MS);
    return memoryOf(pid).rssMib;
  };
  try {
    const { pid } = await stand.start();
    model.callTools(1);
    await rssAfter(pid);
    const before = await rssAfter(pid);
    model.callTools(1, { name: "discord", arguments: '{"action":"permissions"}' });
    const after = await rssAfter(pid);
    model.callTools(1);
    const turnsAdd = await rssAfter(pid) - after;
    return { actionsAddMib: after - before, actionsTurnsAddMib: turnsAdd };
  } finally {
    await stand.close();
  }
}
