/**
 * Tests a session that lacks events: a power cut undid events that Discord has already forgotten.
 * The session stays in use until a new one may begin, and the events are searched for over REST.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import type { Owed } from "../../support/bot/account.ts";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { judge, settleIn } from "../../support/bot/survival.ts";

/** Copies the store, and returns a function that restores it. */
function keepStore({ dataDir }: Scene): () => void {
  const names = () => readdirSync(dataDir).filter((name) => name.startsWith(DATABASE_NAME));
  const kept = names().map((name) => [name, readFileSync(join(dataDir, name))] as const);
  return () => {
    for (const name of names()) rmSync(join(dataDir, name));
    for (const [name, bytes] of kept) writeFileSync(join(dataDir, name), bytes, { mode: 0o600 });
  };
}

async function kill(bot: SimulatedProcess, { simulator, until }: Scene): Promise<void> {
  await killBot(bot);
  await until("the connection to be gone", () => simulator.connected() === 0);
}

/** A store without an acknowledged event, and the expected reply to it. */
async function loseEvent(scene: Scene): Promise<Owed> {
  const { simulator, model, start, say, mention, decided } = scene;
  await settleIn(scene);
  const restore = keepStore(scene);
  simulator.faults.gateway.forgetsNamed = true;
  model.behave("hang");
  const first = await start();
  await decided(say("grace", "general", `${mention} lost.`));
  await kill(first, scene);
  await kill(await start(), scene); // its RESUME acknowledges the event, which Discord then forgets
  restore();
  model.behave("script");
  return { channel: "general", pieces: ["lost."] };
}

describe("[G5b] a session that lacks events", () => {
  it("stays in use until a new one may begin: no first message of a sender is lost", () =>
    withSimulation({}, async (scene) => {
      const { simulator, start, say, mention, decided, replies } = scene;
      const { pieces } = await loseEvent(scene);
      const identified = simulator.account().identifies.length;
      const bot = await start();
      const direct = say("mallory", "dm", "hello, do you know me?");
      say("grace", "general", `${mention} live.`);
      assert.equal(await decided(direct), "challenge: pairing");
      await replies("dm", 1, "mallory");
      const owed = { channel: "general", pieces: [...pieces, "live."] };
      await judge(scene, bot, [owed]); // in this order
      assert.equal(simulator.account().identifies.length, identified + 1);
    }));
});
