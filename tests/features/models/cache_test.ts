/** Tests how much of each request the cache of a model's server can serve, on each wire. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, type Scene, withSimulation, writeConfig } from "../../support/bot/e2e.ts";

const KINDS = ["openai-compatible", "anthropic", "google"] as const;
const READ = 'call: read_channel_history {"limit":1}';

/** Starts a bot whose server caches prompts, and whose answers tell how many of their tokens. */
async function startCached(scene: Scene, kind: typeof KINDS[number]): Promise<void> {
  const { model, simulator, start } = scene;
  model.countCache();
  // A fold of older entries begins another prompt, so the window has room for all of them.
  const models = { "barnacle-script": { contextWindow: 200_000 } };
  const provider = { kind, baseUrl: model.baseUrl, apiKey: "sk-0123456789abcdef", models };
  writeConfig(scene, {
    ...configOf(simulator, { config: { messages: { footer: "all" } } }),
    models: { providers: { far: provider } },
    agents: { defaults: { model: "far/barnacle-script" } },
  });
  await start();
}

/** Asks a question, and returns the cached share of the turn's tokens, in percent. */
async function cachedShare(scene: Scene, question: string): Promise<number> {
  const before = scene.written("general").length;
  scene.say("grace", "general", `${scene.mention} ${question}`);
  const footer = await scene.until("the footer", () =>
    scene.written("general").slice(before)
      .map((text) => /\n-# .* (\d+) % cached/.exec(text)?.[1]).find((share) => share));
  return Number(footer);
}

for (const kind of KINDS) {
  describe(`[L1] the cache of a server (${kind})`, () => {
    it("has 80 % of the tokens of each turn from the second one on", () =>
      withSimulation({}, async (scene) => {
        await startCached(scene, kind);
        const shares: number[] = [];
        for (let turn = 1; turn <= 5; turn++) {
          scene.say("ada", "general", `${turn} ${"the tide is high ".repeat(20)}`);
          scene.say("ada", "general", `${turn} ${"the tide is low ".repeat(20)}`);
          // Each word `then` begins another step of the turn.
          const words = turn % 2 === 1 ? `${"why ".repeat(100)}` : `\n${READ}\nthen\n${READ}`;
          shares.push(await cachedShare(scene, words));
        }
        assert.ok(shares.slice(1).every((share) => share >= 80), shares.join(", "));
      }));

    it("has the same after a turn with many calls", () =>
      withSimulation({}, async (scene) => {
        await startCached(scene, kind);
        await cachedShare(scene, "hello ".repeat(2_000));
        const many = Array.from({ length: 12 }, () => "call: recall {}").join("\n");
        await cachedShare(scene, `\n${many}\nthen\n${many}`);
        const share = await cachedShare(scene, "and now?");
        assert.ok(share >= 80, `${share}`);
      }));
  });
}
