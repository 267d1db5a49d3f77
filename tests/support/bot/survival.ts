/**
 * Runs the steps before and after each kill of a bot.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { BotProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import { accountOf, type Owed, settled } from "./account.ts";
import { ended, PATIENCE_MS, type Scene, STOPPED } from "./e2e.ts";

/** Waits for everything before the counted crash points: the bot's session and its guilds. */
export async function settleIn(
  { start, say, mention, replies, until, simulator }: Scene,
): Promise<void> {
  const bot = await start();
  say("grace", "help", `${mention} are you there?`);
  await replies("help", 1);
  bot.kill("SIGTERM");
  assert.deepEqual(await ended(bot), STOPPED);
  await until("the connection to end", () => simulator.connected() === 0);
}

/** Waits for the answers, and for any unwanted ones. */
export async function judge(
  scene: Scene,
  bot: BotProcess,
  owed: readonly Owed[],
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const { until, written, say, mention } = scene;
  await until(
    "all replies",
    () => accountOf(owed, written).lost.length === 0,
    patienceMs,
  );
  // A second reply would come before the answer to a later question.
  const later = owed.map(({ channel, pieces }) => ({ channel, pieces: [...pieces, "later"] }));
  for (const { channel } of owed) say("grace", channel, `${mention} later`);
  await until(
    "the later replies",
    () => accountOf(later, written).lost.length === 0,
    patienceMs,
  );
  bot.kill("SIGTERM");
  assert.deepEqual(await ended(bot), STOPPED);
  assert.deepEqual(accountOf(later, written), settled(later));
  const messages = [...scene.simulator.account().creates.values()];
  assert.deepEqual(messages.filter(({ messages }) => messages.size > 1), []);
}
