/**
 * Bench: the memory that tools add to a bot, and that actions of the tool `discord` add.
 *
 * One bot has no tools, and another one all default ones: both answer without a call.
 *
 * The bot first runs turns with a tool that does not exist, so that code and heaps have their usual
 * size. Then as many turns call an action that reads the server's roles and the asker's member, three
 * times: the first time also makes its schemas and compiles its code. The same number of turns without
 * the action follows, because memory also grows with turns alone.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { InstantModel } from "../stand/model.ts";
import { memoryOf } from "../stand/proc.ts";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const TURNS = 200;
const REST_MS = 5_000;

export async function benchActions(contender: Contender): Promise<Readings> {
  const without = await measured(contender, { tools: { allow: [] } }, async (run) => ({
    rss: await run(),
  }));
  const { plain, ...readings } = await measured(contender, {}, async (run, model) => {
    const plain = await run();
    model.callTools(1);
    await run();
    const before = await run();
    model.callTools(1, { name: "discord", arguments: '{"action":"permissions"}' });
    const after = await run();
    await run();
    const third = await run();
    model.callTools(1);
    return {
      plain,
      actionsAddMib: after - before,
      actionsMoreMib: (third - after) / 2,
      actionsTurnsAddMib: await run() - third,
    };
  });
  return { ...readings, toolsAddMib: (plain ?? NaN) - (without["rss"] ?? NaN) };
}

/** Runs a bot with some config; `run` plays {@link TURNS} turns, and returns its RSS after them. */
async function measured(
  contender: Contender,
  config: object,
  play: (run: () => Promise<number>, model: InstantModel) => Promise<Readings>,
): Promise<Readings> {
  const stand = await openSimulatedStand(contender, { config });
  const { model, channels } = stand;
  try {
    const { pid } = await stand.start();
    return await play(async () => {
      for (let number = 0; number < TURNS; number++) {
        stand.forget();
        stand.ask(channels[number % channels.length] ?? "");
        await stand.posts(1);
      }
      await sleep(REST_MS);
      return memoryOf(pid).rssMib;
    }, model);
  } finally {
    await stand.close();
  }
}
