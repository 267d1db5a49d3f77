import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContextWindow, Model } from "../../../src/core/model.ts";
import { formOf, type PromptForm } from "../../../src/flows/turn/steps.ts";
import type { OneTurn } from "../../../src/flows/turn/steps.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";

const WINDOW: ContextWindow = { contextWindow: 32_768, maxOutput: 4_096, from: "server" };

const at = (least: number, most = least) => ({ ...WINDOW, readPerSec: { least, most } });
const NARROW: ContextWindow = { ...WINDOW, contextWindow: 8_192 };

/** What is known of a model, its form, and the choice that is stored. */
const TABLE: readonly (readonly [string, ContextWindow | undefined, PromptForm, string?])[] = [
  ["nothing", undefined, "full"],
  ["a question to the server", { ...WINDOW, isPending: true }, "full"],
  ["a model that is not loaded", { ...WINDOW, isEarly: true }, "small"],
  ["a window of 8,192", NARROW, "small", "window"],
  ["a fast server with such a window", { ...at(9e9), contextWindow: 8_192 }, "small", "window"],
  ["such a window after a refusal", { ...NARROW, from: "refusal" }, "small"],
  ["a window of 8,193", { ...WINDOW, contextWindow: 8_193 }, "full"],
  ["199 tokens a second", at(0, 199), "small", "speed"],
  ["200 tokens a second", at(0, 200), "full", "full"],
  ["a hosted model", at(Infinity), "full", "full"],
];

/** A stored choice, what is known later, and the choice then. */
const LATER: readonly (readonly [string, string, ContextWindow | undefined, string])[] = [
  ["a window that is not known yet", "window", { ...WINDOW, isPending: true }, "window"],
  ["a model that is not loaded", "full", { ...WINDOW, isEarly: true }, "full"],
  ["a server that tells no window", "window", { ...WINDOW, from: "assumed" }, "window"],
  ["a larger window of the server", "window", at(0, 999), "full"],
  ["a larger window of a slow server", "window", at(0, 99), "speed"],
  ["a smaller window", "full", NARROW, "window"],
  ["a speed that is not measured", "speed", WINDOW, "speed"],
  ["a speed with the cache", "speed", at(199, 9_999), "speed"],
  ["a faster server", "speed", at(200, 200), "full"],
  ["a slower server", "full", at(0, 199), "speed"],
];

/** @param before The stored choice. */
async function setUp(wish: "auto" | PromptForm = "auto", before?: string) {
  const { account, store, clock, quiet } = await testAccount({
    beside: { tools: { prompt: wish } },
  });
  if (before) await store.settings.change(ACCOUNT, "local/pi", "prompt", before, 1);
  const config = account.config();
  return {
    clock,
    quiet,
    of: (model: Model) => formOf({ account, config, model } as OneTurn),
    async kept() {
      await quiet();
      return store.settings.known(ACCOUNT, "local/pi", "prompt");
    },
  };
}

const modelWith = (window: ContextWindow | undefined): Model => ({
  id: "local/pi",
  window,
  generate: () => assert.fail("it is not asked"),
});

describe("[T2a] the form of the prompt", () => {
  it("is known by the window and the speed of the server, and then stored", async () => {
    for (const [what, window, form, choice] of TABLE) {
      const { of, kept } = await setUp();
      for (let turn = 0; turn < 2; turn++) assert.equal(await of(modelWith(window)), form, what);
      assert.equal(await kept(), choice, what);
    }
  });

  it("stays as it is stored until its cause is gone", async () => {
    for (const [what, before, window, choice] of LATER) {
      const { of, kept } = await setUp("auto", before);
      const form = choice === "full" ? "full" : "small";
      assert.deepEqual([await of(modelWith(window)), await kept()], [form, choice], what);
    }
  });

  it("is that of the config, and then stored nowhere", async () => {
    for (const wish of ["full", "small"] as const) {
      const { of, kept } = await setUp(wish);
      for (const [, window] of TABLE) assert.equal(await of(modelWith(window)), wish);
      assert.equal(await kept(), undefined);
    }
  });

  it("waits at most three seconds for a server that is asked about its window", async () => {
    const { of, clock, quiet } = await setUp();
    const idle = clock.pending;
    const told = Promise.withResolvers<void>();
    const model: { window: ContextWindow } & Model = {
      ...modelWith(undefined),
      window: { ...WINDOW, isPending: true, asked: told.promise },
    };
    const form = of(model);
    model.window = { ...WINDOW, contextWindow: 4_096 };
    told.resolve();
    assert.equal(await form, "small");
    assert.equal(clock.pending, idle);
    const asked = new Promise<void>(() => {});
    const silent = of({ ...modelWith({ ...WINDOW, isPending: true, asked }), id: "local/phi" });
    await quiet();
    clock.advance(3_000);
    assert.equal(await silent, "full");
  });
});
