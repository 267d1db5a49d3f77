import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContextWindow, Model } from "../../../../src/core/model.ts";
import {
  createPromptForms,
  type PromptForm,
} from "../../../../src/flows/turn/control/prompt_form.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

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

function setUp(wish: "auto" | PromptForm = "auto") {
  const clock = new FakeClock();
  const kept: [string, string][] = [];
  const forms = createPromptForms({
    wish: () => wish,
    stored: (id) => kept.findLast(([known]) => known === id)?.[1],
    keep: (...one) => void kept.push(one),
    schedule: clock.schedule,
  });
  return { clock, kept, forms };
}

const modelWith = (window: ContextWindow | undefined): Model => ({
  id: "local/pi",
  window,
  generate: () => assert.fail("it is not asked"),
});

describe("[T2a] the form of the prompt", () => {
  for (const [what, window, form, choice] of TABLE) {
    it(`is ${form} for ${what}${choice === undefined ? "" : ", and stored"}`, async () => {
      const { forms, kept } = setUp();
      assert.equal(await forms.of(modelWith(window)), form);
      assert.equal(await forms.of(modelWith(window)), form);
      assert.deepEqual(kept, choice === undefined ? [] : [["local/pi", choice]]);
    });
  }

  for (const [what, before, window, choice] of LATER) {
    it(`chosen by ${before}, is that by ${choice} for ${what}`, async () => {
      const { forms, kept } = setUp();
      kept.push(["local/pi", before]);
      assert.equal(await forms.of(modelWith(window)), choice === "full" ? "full" : "small");
      assert.equal(kept.at(-1)?.[1], choice);
      assert.equal(kept.length, choice === before ? 1 : 2);
    });
  }

  it("is that of the config, and then stored nowhere", async () => {
    for (const wish of ["full", "small"] as const) {
      const { forms, kept } = setUp(wish);
      for (const [, window] of TABLE) assert.equal(await forms.of(modelWith(window)), wish);
      assert.deepEqual(kept, []);
    }
  });

  it("is stored after the answer that shows how fast the server reads", async () => {
    const { forms, kept } = setUp();
    assert.equal(await forms.of(modelWith(WINDOW)), "full");
    forms.settle(modelWith(at(33)));
    assert.deepEqual(kept, [["local/pi", "speed"]]);
    assert.equal(await forms.of(modelWith(WINDOW)), "small");
  });

  it("waits at most three seconds for a server that is asked about its window", async () => {
    const { forms, clock } = setUp();
    const told = Promise.withResolvers<void>();
    const model: { window: ContextWindow } & Model = {
      ...modelWith(undefined),
      window: { ...WINDOW, isPending: true, asked: told.promise },
    };
    const form = forms.of(model);
    model.window = { ...WINDOW, contextWindow: 4_096 };
    told.resolve();
    assert.equal(await form, "small");
    const { forms: others, clock: later } = setUp();
    const silent = others.of(
      modelWith({ ...WINDOW, isPending: true, asked: new Promise(() => {}) }),
    );
    later.advance(3_000);
    assert.equal(await silent, "full");
    assert.equal(clock.pending, 0);
  });
});
