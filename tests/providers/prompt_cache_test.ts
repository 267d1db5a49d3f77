import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPromptCache, type PromptTokens } from "../../simulator/model/prompt_cache.ts";
import type { ModelMessage, ToolCall } from "../../src/core/model.ts";
import { listen, modelAt, withModelServer } from "../support/model/model_server.ts";

const SYSTEM = "Be kind. ".repeat(500);

const callsOf = (step: number): readonly ToolCall[] =>
  Array.from(
    { length: 12 },
    (_, at) => ({ id: `call_${step}_${at}`, name: "tide", arguments: "{}" }),
  );

const stepOf = (step: number, result = "high"): readonly ModelMessage[] => {
  const calls = callsOf(step);
  return [
    { role: "assistant", text: "", calls },
    ...calls.map((call): ModelMessage => ({ role: "tool", call, text: result.repeat(20) })),
  ];
};

/** The tokens of each request to Anthropic's wire. */
async function countedOf(
  requests: readonly (readonly ModelMessage[])[],
): Promise<readonly PromptTokens[]> {
  const counted: PromptTokens[] = [];
  await withModelServer({}, async (server) => {
    const cache = createPromptCache("anthropic");
    const model = modelAt(server, { kind: "anthropic" });
    const tools = [{
      name: "tide",
      description: "Tells the tide.",
      parameters: { type: "object" },
    }];
    for (const messages of requests) {
      await listen(model, undefined, { system: SYSTEM, messages, tools });
      counted.push(cache.count(server.requests.at(-1)?.body ?? ""));
    }
  });
  return counted;
}

const QUESTION: ModelMessage = { role: "user", text: "When? ".repeat(2_000) };

describe("[L1] marks for Anthropic's cache", () => {
  it("reach from step to step, however many calls a step has", async () => {
    const steps = [stepOf(1), stepOf(2), stepOf(3)];
    const counted = await countedOf([
      [QUESTION],
      ...steps.map((_, at) => [QUESTION, ...steps.slice(0, at + 1).flat()]),
    ]);
    for (const [at, { input }] of counted.slice(0, -1).entries()) {
      assert.equal(counted[at + 1]?.cached, input, "all of the request before");
    }
  });

  it("reach the earlier question, if results after it are shorter in the next turn", async () => {
    const counted = await countedOf([
      [QUESTION],
      [QUESTION, ...stepOf(1)],
      [
        QUESTION,
        ...stepOf(1, "x"),
        { role: "assistant", text: "At noon." },
        { role: "user", text: "And then?" },
      ],
    ]);
    assert.equal(counted[2]?.cached, counted[0]?.input);
  });
});

describe("createPromptCache()", () => {
  const body = (text: string, mark = true) =>
    JSON.stringify({
      messages: [{
        role: "user",
        content: [{ type: "text", text, ...(mark && { cache_control: {} }) }],
      }],
    });
  const LONG = "tide ".repeat(2_000);

  it("serves Anthropic's prompts only from marks", () => {
    const cache = createPromptCache("anthropic");
    cache.count(body(LONG, false));
    assert.equal(cache.count(body(LONG, false)).cached, 0);
    cache.count(body(LONG));
    const { input, cached } = cache.count(body(LONG));
    assert.equal(input, cached);
  });

  it("serves the equal beginning of other prompts, and no short one", () => {
    const cache = createPromptCache("openai");
    cache.count(body(`${LONG}one`));
    const { input, cached } = cache.count(body(`${LONG}two`));
    assert.ok(cached > input * 0.9 && cached < input);
    assert.equal(cache.count(body("short")).cached, 0);
  });
});
