import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage } from "../../src/core/model.ts";
import { inOneForm } from "../../src/providers/models.ts";

const text = fc.constantFrom("", "a", "b");
const id = fc.oneof(
  fc.constantFrom("1", "call_1", "functions.tide:0", "toolu_01A09q90qw90lq917835lq9"),
  fc.string({ maxLength: 50 }),
);
const image = { mediaType: "image/png", data: new Uint8Array(1) };

/** A part of a conversation: a message, or an answer with calls and their results. */
const part: fc.Arbitrary<readonly ModelMessage[]> = fc.oneof(
  fc.record({ role: fc.constant("user" as const), text }).map((one) => [one]),
  text.map((text) => [{ role: "user", text, images: [image] }] as const),
  fc.record({ role: fc.constant("assistant" as const), text }).map((one) => [one]),
  fc.tuple(text, fc.uniqueArray(id, { minLength: 1, maxLength: 3 })).map(([text, ids]) => {
    const calls = ids.map((id) => ({ id, name: "tide", arguments: "{}" }));
    const results = calls.map((call) => ({ role: "tool", call, text: call.id }) as const);
    return [
      { role: "assistant", text, calls, carried: JSON.stringify({ ids }) } as const,
      ...results,
    ];
  }),
);
const talk = fc.array(part, { maxLength: 12 }).map((parts) => parts.flat());

const idsOf = (messages: readonly ModelMessage[]) =>
  messages.flatMap((one) => one.role === "assistant" ? (one.calls ?? []).map(({ id }) => id) : []);

describe("[L3] inOneForm()", () => {
  it("alternates roles, gives each call an id that all servers take, and loses nothing", () =>
    fc.assert(fc.property(talk, (messages) => {
      const form = inOneForm(messages);
      let before: ModelMessage | undefined;
      for (const one of form) {
        if (one.role === "user") assert.ok(!before || before.role === "assistant" && !before.calls);
        if (one.role === "assistant") assert.ok(before?.role !== "assistant" || before.calls);
        before = one;
      }
      const ids = idsOf(form);
      for (const id of ids) assert.match(id, /^[a-z0-9]{9}$/);
      assert.equal(new Set(ids).size, ids.length);
      const results = form.filter((one) => one.role === "tool");
      assert.deepEqual(results.map(({ call }) => call.id), ids);
      assert.deepEqual(
        results.map(({ text }) => text),
        messages.filter(({ role }) => role === "tool").map(({ text }) => text),
      );
      const wordsIn = (all: readonly ModelMessage[]) =>
        all.map(({ text }) => text.replaceAll("I have read the results.", "")).join("").replace(
          /\s/g,
          "",
        );
      assert.equal(wordsIn(form), wordsIn(messages));
      const picturesIn = (all: readonly ModelMessage[]) =>
        all.flatMap((one) => one.role === "user" ? one.images ?? [] : []).length;
      assert.equal(picturesIn(form), picturesIn(messages));
    })));

  it("keeps the beginning of a conversation, and its objects", () =>
    fc.assert(fc.property(talk, talk, (messages, more) => {
      const whole: readonly ModelMessage[] = [...messages, { role: "user", text: "q" }];
      const first = inOneForm(whole).slice(0, -1);
      const next = inOneForm([...whole, { role: "assistant", text: "", calls: [] }, ...more]);
      first.forEach((one, at) => {
        if (one.role !== "user") assert.deepEqual(next[at], one);
      });
    })));
});
