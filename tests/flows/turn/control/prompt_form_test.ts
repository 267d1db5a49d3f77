import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContextWindow, Model } from "../../../../src/core/model.ts";
import {
  createPromptForms,
  formBy,
  type PromptForm,
} from "../../../../src/flows/turn/control/prompt_form.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const WINDOW: ContextWindow = { contextWindow: 32_768, maxOutput: 4_096, from: "server" };

/** What is known of a model, its form, and whether that is stored. */
const TABLE: readonly (readonly [string, ContextWindow | undefined, PromptForm, boolean])[] = [
  ["nothing", undefined, "full", false],
  ["a question to the server", { ...WINDOW, isPending: true }, "full", false],
  ["a model that is not loaded", { ...WINDOW, isEarly: true }, "small", false],
  ["a window of 8,192", { ...WINDOW, contextWindow: 8_192 }, "small", true],
  [
    "a fast server with such a window",
    { ...WINDOW, contextWindow: 8_192, readPerSec: 9e9 },
    "small",
    true,
  ],
  [
    "such a window after a refusal",
    { ...WINDOW, contextWindow: 4_096, from: "refusal" },
    "small",
    false,
  ],
  ["a window of 8,193", { ...WINDOW, contextWindow: 8_193 }, "full", false],
  ["199 tokens a second", { ...WINDOW, readPerSec: 199 }, "small", true],
  ["200 tokens a second", { ...WINDOW, readPerSec: 200 }, "full", true],
  ["a hosted model", { ...WINDOW, readPerSec: Infinity }, "full", true],
];

function setUp(wish: "auto" | PromptForm = "auto") {
  const clock = new FakeClock();
  const kept: [string, PromptForm][] = [];
  const forms = createPromptForms({
    wish: () => wish,
    stored: (id) => kept.find(([known]) => known === id)?.[1],
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
  for (const [what, window, form, isFinal] of TABLE) {
    it(`is ${form} for ${what}${isFinal ? ", for good" : ""}`, async () => {
      assert.deepEqual(formBy(window), { form, isFinal });
      const { forms, kept } = setUp();
      assert.equal(await forms.of(modelWith(window)), form);
      assert.deepEqual(kept, isFinal ? [["local/pi", form]] : []);
      // Whatever is learned later, a stored choice stays.
      const other = { ...WINDOW, contextWindow: form === "small" ? 200_000 : 4_096, readPerSec: 1 };
      if (isFinal) assert.equal(await forms.of(modelWith(other)), form);
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
    forms.settle(modelWith({ ...WINDOW, readPerSec: 33 }));
    assert.deepEqual(kept, [["local/pi", "small"]]);
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
