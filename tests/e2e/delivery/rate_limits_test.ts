/** Tests a full queue: no message is lost silently. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";

const NAMES = Array.from({ length: 9 }, (_, number) => `q${number + 1}.`);
/** Maximum number of waiting messages in a channel. */
const MAX = 3;

const options = (strategy: "queue" | "drop") => ({
  discord: () => ({ rateLimit: { strategy, maxQueueSize: MAX } }),
  simulator: { rateLimits: false },
  mayRefuse: ({ status }: { readonly status: number | undefined }) => status === 429,
} as const);

/** Discord refuses messages until all questions are asked, and their answers stored. */
async function overflow(scene: Scene): Promise<SimulatedProcess> {
  const { simulator, start, say, mention, eventually, rows } = scene;
  const bot = await start();
  const limit = simulator.faults.rest.add({
    method: "POST",
    route: "/channels/:id/messages",
    fault: { kind: "rate_limit", retryAfterSec: 1, scope: "shared" },
  });
  for (const name of NAMES) say("grace", "general", `${mention} ${name}`);
  const answers = () => rows("SELECT 1 FROM outbox WHERE kind = 'reply'").length;
  await eventually("all answers", () => Promise.resolve(answers() >= NAMES.length));
  limit.remove();
  return bot;
}

describe("[D4] a full queue", () => {
  it("loses no answer: all are sent, in their order", () =>
    withSimulation(options("queue"), async (scene) => {
      await overflow(scene);
      const texts = await scene.replies("general", NAMES.length);
      assert.deepEqual(texts.map((text) => /> (q[0-9][.])/.exec(text)?.[1]), NAMES);
    }));

  it("drops the newest if configured, and records each", () =>
    withSimulation(options("drop"), async (scene) => {
      const bot = await overflow(scene);
      await scene.replies("general", MAX);
      await scene.until("the queue to be empty", () => scene.written("general").length >= MAX);
      await stopBot(bot);
      const rows = scene.rows("SELECT state, COUNT(*) AS count FROM outbox GROUP BY state");
      const count = (state: string) =>
        Number(rows.find((row) => row["state"] === state)?.["count"] ?? 0);
      assert.equal(count("sent"), scene.written("general").length);
      assert.equal(count("sent") + count("dropped"), NAMES.length);
      assert.ok(count("dropped") > 0);
    }));
});
