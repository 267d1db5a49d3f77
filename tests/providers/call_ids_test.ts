import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelMessage } from "../../src/core/model.ts";
import { idFormOf, withIdsOf } from "../../src/providers/call_ids.ts";
import type { ProviderSettings } from "../../src/providers/settings.ts";

const at = (baseUrl: string, name: string, kind: ProviderSettings["kind"] = "openai-compatible") =>
  idFormOf({ provider: { id: "x", kind, baseUrl }, name });

/** A conversation of answers with one call each. */
const talk = (...ids: readonly string[]): readonly ModelMessage[] =>
  ids.flatMap((id): readonly ModelMessage[] => {
    const call = { id, name: "tide", arguments: "{}" };
    return [{ role: "assistant", text: "", calls: [call] }, { role: "tool", call, text: "high" }];
  });

const idsOf = (messages: readonly ModelMessage[]) =>
  messages.flatMap((message) => {
    if (message.role === "assistant") return (message.calls ?? []).map(({ id }) => id);
    return message.role === "tool" ? [message.call.id] : [];
  });

const FOREIGN = [
  "toolu_01A09q90qw90lq917835lq9",
  "call_HCWKFkBTJ4uwDv1a6oLqRp4u",
  "functions.tide:0",
  "x".repeat(900),
  "call_1",
  "call_1",
];

describe("[L3] withIdsOf()", () => {
  const forms: readonly [string, ReturnType<typeof at>, RegExp][] = [
    ["Mistral by its address", at("https://api.mistral.ai/v1", "large"), /^[A-Za-z0-9]{9}$/],
    ["Mistral by its name", at("http://127.0.0.1:8000", "Devstral-24B"), /^[A-Za-z0-9]{9}$/],
    ["OpenAI", at("https://api.openai.com/v1", "gpt-5"), /^.{1,40}$/],
    ["OpenAI's Responses", at("http://x", "llama", "openai-responses"), /^.{1,40}$/],
    ["Anthropic", at("http://x", "claude", "anthropic"), /^[\w-]+$/],
  ];
  for (const [what, form, pattern] of forms) {
    it(`makes ids that fit ${what}, each once, and the same ones again`, () => {
      assert.ok(form);
      const ids = idsOf(withIdsOf(form, talk(...FOREIGN)));
      for (const id of ids) assert.match(id, pattern);
      assert.equal(new Set(ids).size, FOREIGN.length);
      ids.forEach((id, index) => assert.equal(id, ids[index - index % 2], "a result has another"));
      assert.deepEqual(idsOf(withIdsOf(form, talk(...FOREIGN, "more"))).slice(0, ids.length), ids);
    });
  }

  it("keeps ids that fit, and their messages", () => {
    const form = at("https://api.mistral.ai/v1", "large");
    assert.ok(form);
    const messages = talk("D681PevKs", "abcdefgh1");
    withIdsOf(form, messages).forEach((message, index) => assert.equal(message, messages[index]));
  });

  it("leaves the ids of other servers alone", () => {
    assert.equal(at("http://127.0.0.1:11434/v1", "llama3.2"), undefined);
    assert.equal(at("http://x", "gemini", "google"), undefined);
  });
});
