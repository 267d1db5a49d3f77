import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import { missingOf, offerModels } from "../../../src/extras/demo/models.ts";

const ROWS: readonly (readonly [what: string, env: Env, ids: readonly string[]])[] = [
  ["nothing", {}, ["script"]],
  ["OpenAI's key and model", { OPENAI_API_KEY: "k", OPENAI_MODEL: "m" }, ["script", "openai"]],
  ["OpenAI's key alone", { OPENAI_API_KEY: "k" }, ["script"]],
  ["an address of its wire", { OPENAI_BASE_URL: "http://10.0.0.2/v1", OPENAI_MODEL: "m" }, [
    "script",
    "openai",
  ]],
  ["Anthropic's key and model", { ANTHROPIC_API_KEY: "k", ANTHROPIC_MODEL: "m" }, [
    "script",
    "anthropic",
  ]],
  ["an empty key", { OPENAI_API_KEY: " ", OPENAI_MODEL: "m" }, ["script"]],
];

describe("[O5] offerModels()", () => {
  for (const [what, env, ids] of ROWS) {
    it(`with ${what} offers ${ids.join(" and ")}`, () => {
      assert.deepEqual(offerModels(env).map(({ id }) => id), ids);
    });
  }

  it("offers a model of this machine, last", () => {
    const local = { name: "llama3.2", baseUrl: "http://127.0.0.1:11434/v1" };
    const [, found] = offerModels({}, local);
    assert.equal(found?.label, "llama3.2");
    assert.equal(found?.env["OPENAI_BASE_URL"], local.baseUrl);
  });

  it("gives no key to the script, and none to another's model", () => {
    const env = {
      OPENAI_API_KEY: "key-of-openai",
      OPENAI_MODEL: "a",
      ANTHROPIC_API_KEY: "key-of-anthropic",
      ANTHROPIC_MODEL: "b",
    };
    const [script, openai, anthropic] = offerModels(env);
    assert.deepEqual(script?.env, {});
    assert.ok(!JSON.stringify(openai?.env).includes("key-of-anthropic"));
    assert.ok(!JSON.stringify(anthropic?.env).includes("key-of-openai"));
    assert.ok(Object.hasOwn(anthropic!.env, "OPENAI_API_KEY"), "the simulation's own is taken out");
  });

  it("shows no key on the page", () => {
    for (const { label, hint } of offerModels({ OPENAI_API_KEY: "hidden", OPENAI_MODEL: "m" })) {
      assert.ok(!`${label} ${hint}`.includes("hidden"));
    }
  });
});

describe("[O5] missingOf()", () => {
  it("names the variable that a key without a model needs", () => {
    assert.match(missingOf({ ANTHROPIC_API_KEY: "k" }).join(), /ANTHROPIC_MODEL/);
    assert.deepEqual(missingOf({}), []);
  });
});
