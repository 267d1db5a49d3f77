import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseModels, createModelChoices } from "../../../src/cli/models/choose_model.ts";
import { loadTestConfig } from "../../support/config.ts";
import { recordingLog } from "../../support/recording_log.ts";

async function choose(beside: object, env: Readonly<Record<string, string>> = {}) {
  const { log, lines } = recordingLog();
  const config = await loadTestConfig({}, beside, env);
  return { chosen: await chooseModels(config, env, log), lines };
}

const provider = (kind: string, fields: object = {}) => ({
  models: { providers: { mine: { kind, baseUrl: "http://127.0.0.1:9/v1", ...fields } } },
  agents: { list: [{ id: "main", model: "mine/some-model" }] },
});

describe("[L1] [L2] chooseModels()", () => {
  it("chooses the model of the config", async () => {
    const { chosen } = await choose(provider("openai-compatible"));
    assert.ok(chosen.kind === "models");
    assert.equal(chosen.models.of("main").id, "mine/some-model");
  });

  it("chooses the model of the environment", async () => {
    const env = { OPENAI_API_KEY: "sk-hunter2", OPENAI_MODEL: "gpt-x" };
    const { chosen } = await choose({}, env);
    assert.ok(chosen.kind === "models");
    assert.equal(chosen.models.of("main").id, "openai/gpt-x");
  });

  it("names the address of OPENAI_BASE_URL if no server answers there", async () => {
    const env = { OPENAI_BASE_URL: "http://127.0.0.1:9/v1?key=k" };
    const { chosen } = await choose({}, env);
    assert.ok(chosen.kind === "problem");
    assert.match(chosen.problem.message, /No model answers at http:\/\/127\.0\.0\.1:9\b/);
    assert.match(chosen.problem.hint ?? "", /OPENAI_BASE_URL.*OPENAI_MODEL/);
    assert.doesNotMatch(JSON.stringify(chosen), /key=k/);
  });

  it("chooses Google's model", async () => {
    const { chosen } = await choose(
      { agents: { defaults: { model: "google/gemini" } } },
      { GEMINI_API_KEY: "k" },
    );
    assert.ok(chosen.kind === "models");
    assert.equal(chosen.models.of("main").id, "google/gemini");
  });
});

describe("[N1] chooseModels()", () => {
  const beside = (list: readonly object[]) => ({
    ...provider("openai-compatible"),
    agents: { defaults: { model: "mine/shared" }, list },
  });

  it("has a model for each agent, and one for agents that name the same", async () => {
    const { chosen } = await choose(beside([
      { id: "main" },
      { id: "twin", model: "mine/shared" },
      { id: "own", model: "mine/own" },
      { id: "careful", model: { primary: "mine/own", fallbacks: ["mine/shared"] } },
    ]));
    assert.ok(chosen.kind === "models");
    const { of, ids } = chosen.models;
    assert.deepEqual(ids, ["mine/shared", "mine/own"]);
    assert.equal(of("main").id, "mine/shared");
    assert.equal(of("twin"), of("main"));
    assert.equal(of("own").id, "mine/own");
    assert.equal(of("careful").id, "mine/own");
    assert.notEqual(of("careful"), of("own"));
    assert.equal(of("removed"), of("main"), "an id that the config no longer has");
    assert.equal((await chosen.models.check()).length, 2);
  });

  it("refuses to start without the key of any agent's model", async () => {
    const { chosen } = await choose(beside([{ id: "main" }, { id: "b", model: "anthropic/x" }]));
    assert.ok(chosen.kind === "problem");
    assert.equal(chosen.problem.path, "agents.list[1].model");
    assert.match(chosen.problem.message, /needs ANTHROPIC_API_KEY/);
  });
});

describe("[L1] createModelChoices()", () => {
  it("has the models that answer, and none for audio or images", async () => {
    const price = { input: 1, output: 1 };
    const prices = { chat: price, hear: price, voice: price, brush: price };
    const config = await loadTestConfig({}, {
      ...provider("openai-compatible", { prices }),
      audio: { transcribe: "mine/hear", speak: "mine/voice" },
      tools: { draw: "mine/brush" },
    });
    const { ids, of } = createModelChoices(config, {}, recordingLog().log);
    assert.deepEqual(ids, ["mine/some-model", "mine/chat"]);
    assert.equal(of("mine/hear"), undefined);
  });
});
