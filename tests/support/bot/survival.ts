/** Runs the steps before and after each kill of a bot. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { accountOf, type Owed, settled } from "./account.ts";
import { PATIENCE_MS, type Scene, stopBot } from "./e2e.ts";

/**
 * Waits for everything before the counted crash points: the bot's session, its guilds, and the event of
 * its own reply.
 */
export async function settleIn(scene: Scene): Promise<void> {
  const { start, say, mention, replies } = scene;
  const bot = await start();
  say("grace", "help", `${mention} are you there?`);
  await replies("help", 1);
  await allStored(scene);
  await stopBot(bot);
  await gone(scene);
}

/**
 * Waits until the running bot has stored each event. Discord repeats an event that is not stored, and
 * the next bot would count its T1.
 */
export async function allStored({ eventually, rows, simulator }: Scene): Promise<void> {
  await eventually("all events to be stored", () => {
    const stored = rows("SELECT seq FROM gateway_session").map(({ seq }) => seq);
    return Promise.resolve(isDeepStrictEqual(stored, simulator.sessions().map(({ seq }) => seq)));
  });
}

/** Waits until Discord knows that the stopped bot's connection has ended. */
export async function gone({ until, simulator }: Scene): Promise<void> {
  await until("the connection to end", () => simulator.connected() === 0);
}

/**
 * Makes the stored IDENTIFYs ten seconds older, so that the next one need not wait for its spacing.
 * No bot may run; the simulated Discord needs `spacingMs: 0`, because its clock does not follow.
 */
export function passSpacing({ dataDir }: Scene): void {
  const database = new DatabaseSync(join(dataDir, DATABASE_NAME));
  database.exec("UPDATE identify SET at = at - 10000");
  database.close();
}

/**
 * Waits for the answers, and for any unwanted ones.
 *
 * @param atRest Called before the bot is stopped.
 */
export async function judge(
  scene: Scene,
  bot: SimulatedProcess,
  owed: readonly Owed[],
  patienceMs: number = PATIENCE_MS,
  atRest: (scene: Scene) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { until, written, say, mention } = scene;
  await until("all replies", () => accountOf(owed, written).lost.length === 0, patienceMs);
  // A second reply would come before the answer to a later question.
  const channels = [...new Set(owed.map(({ channel }) => channel))];
  const later = [...owed, ...channels.map((channel) => ({ channel, pieces: ["later"] }))];
  for (const channel of channels) say("grace", channel, `${mention} later`);
  await until("the later replies", () => accountOf(later, written).lost.length === 0, patienceMs);
  await atRest(scene);
  await stopBot(bot);
  assert.deepEqual(accountOf(later, written), settled(later));
  const messages = [...scene.simulator.account().creates.values()];
  assert.deepEqual(messages.filter(({ messages }) => messages.size > 1), []);
}
