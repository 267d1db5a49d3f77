/** Tests chains of models, as people and the operator see them; over OpenAI's Responses and Anthropic. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ModelBehaviour,
  type ModelServer,
  startModelServer,
} from "../../../simulator/model/server.ts";
import {
  ended,
  KILLED,
  type Ran,
  type Scene,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";

const said = ({ code, stdout, stderr }: Ran): string => {
  assert.equal(code, 0, stderr.join("\n"));
  return stdout.join("\n");
};

const FIRST = "house/barnacle-script";
const SECOND = "cloud/barnacle-script";

/** Runs a test with a bot that asks `house` (Responses) first, and then `cloud` (Anthropic). */
function withChain(
  behaviour: ModelBehaviour,
  test: (scene: Scene, house: ModelServer) => Promise<void>,
): Promise<void> {
  return withSimulation({}, async (scene) => {
    const house = await startModelServer({ behaviour, retryAfterSec: 120 });
    try {
      writeConfig(scene, {
        models: {
          providers: {
            house: { kind: "openai-responses", baseUrl: house.baseUrl, apiKey: "sk-house-1234567" },
            cloud: { kind: "anthropic", baseUrl: scene.model.baseUrl, apiKey: "cloud-1234567" },
          },
        },
        agents: { defaults: { model: { primary: FIRST, fallbacks: [SECOND] } } },
        http: { port: 0 },
      });
      await test(scene, house);
    } finally {
      await house.close();
    }
  });
}

describe("[L3] a chain of models", () => {
  // `tests/providers/choice/fallbacks_test.ts` has every failure of a model.
  it("moves on after a refused key, says why, and tells the owner once", () =>
    withChain("unauthorized", async ({ start, say, mention, replies, until, written, cli }) => {
      await start();
      const asked = say("grace", "general", `${mention} question 1`);
      assert.match((await replies("general", 1))[0] ?? "", /question 1/);
      for (const count of [2, 3]) {
        say("grace", "general", `${mention} question ${count}`);
        await replies("general", count);
      }
      await until("the owner to read it", () => written("dm", "ada").length > 0);
      assert.equal(written("dm", "ada").length, 1);
      const words = said(await cli("why", asked.id));
      assert.ok(words.includes(`model ${SECOND}, 1 request`), words);
      assert.ok(
        words.includes(`in place of ${FIRST}, which failed as "unauthorized" since `),
        words,
      );
    }));

  it("ends with a model that refuses the conversation: no other one is asked", () =>
    withChain("content_filter", async ({ start, say, mention, replies, model }) => {
      await start();
      say("grace", "general", `${mention} hello`);
      assert.match((await replies("general", 1))[0] ?? "", /^My model refuses to answer this\./);
      assert.equal(model.requests.length, 0);
    }));

  it("stays within a turn with the model that began it, also after a crash, and charges that one", () =>
    withChain("rejected", async (scene, house) => {
      const { start, say, mention, replies, rows, model, cli, ask, eventually } = scene;
      house.behave("rejected", 1);
      const first = await start({ BARNACLE_CRASH_AT: "after:TS:1" });
      const asked = say(
        "grace",
        "general",
        `${mention}\ncall: code {"source":"6*7"}\nthen\ncall: code {"source":"7*8"}`,
      );
      assert.deepEqual(await ended(first), KILLED);
      const bot = await start();
      assert.match((await replies("general", 1))[0] ?? "", /56/);
      assert.equal(house.requests.length, 1, "the first model was asked in the middle of the turn");
      assert.ok(model.requests.length >= 3);
      const models = new Set(rows("SELECT model FROM usage").map(({ model }) => model));
      assert.deepEqual([...models], [SECOND]);
      const words = said(await cli("why", asked.id));
      assert.match(words, new RegExp(`model +\\S+ m?s +${SECOND}, .*calls code`));

      say("grace", "general", `${mention} hello`);
      await replies("general", 2);
      assert.equal(house.requests.length, 2, "the next turn asks the first model");
      await eventually("the metrics", async () => {
        const text = await (await ask(bot, "/metrics")).text();
        return text.includes('barnacle_llm_failing{model="house/barnacle-script"} 0');
      });
    }));
});
