/** Tests answers of OpenAI's Responses API, as several servers write them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModelError, type ModelErrorKind, type ModelPart } from "../../src/core/model.ts";
import { createResponsesReader, responsesBody } from "../../src/providers/responses.ts";
import { QUESTION, settingsFor } from "../support/model/model_server.ts";
import { sameData } from "../support/same_data.ts";

type Finish = Extract<ModelPart, { kind: "finish" }>;

const event = (data: { readonly type: string; readonly [key: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const says = (delta: string) => event({ type: "response.output_text.delta", delta });
const ends = (status: string, more: object = {}) =>
  event({ type: `response.${status}`, response: { object: "response", status, ...more } });
const MESSAGE = {
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: "Hello" }],
};
const CALL = { type: "function_call", call_id: "c1", name: "tide", arguments: '{"port":"Hull"}' };
const TIDE = { id: "c1", name: "tide", arguments: '{"port":"Hull"}' };

/** Reads an answer that arrives in pieces of so many bytes. */
function read(answer: string, size = Infinity): { readonly text: string; readonly finish: Finish } {
  const bytes = new TextEncoder().encode(answer);
  const reader = createResponsesReader("p/m", ["sk-canary-0123456789"]);
  let text = "";
  for (let at = 0; at < bytes.length && !reader.isOver(); at += size) {
    text += reader.read(bytes.subarray(at, at + size));
  }
  if (!reader.isOver()) text += reader.read(undefined);
  return { text, finish: reader.finish() };
}

describe("[L3] createResponsesReader()", () => {
  const answers: readonly [what: string, answer: string, text: string, finish: Partial<Finish>][] =
    [
      ["text", says("Hel") + says("lo") + ends("completed"), "Hello", { reason: "stop" }],
      ["[DONE] in place of an end", says("Hello") + "data: [DONE]\n\n", "Hello", {
        reason: "stop",
      }],
      [
        "text whose items come again with the end",
        says("Hello") + ends("completed", { output: [MESSAGE] }),
        "Hello",
        { reason: "stop" },
      ],
      [
        "items that only the end tells",
        ends("completed", { output: [MESSAGE, CALL] }),
        "Hello",
        { reason: "tool_calls", calls: [TIDE] },
      ],
      [
        "a whole response without a stream",
        JSON.stringify({ object: "response", status: "completed", output: [MESSAGE], error: null }),
        "Hello",
        { reason: "stop" },
      ],
      [
        "a call",
        event({ type: "response.output_item.done", item: CALL }) +
        ends("completed", { output: [CALL] }),
        "",
        { reason: "tool_calls", calls: [TIDE] },
      ],
      [
        "arguments that are an object",
        ends("completed", { output: [{ ...CALL, arguments: { port: "Hull" } }] }),
        "",
        { reason: "tool_calls", calls: [TIDE] },
      ],
      [
        "a cut answer, without its calls",
        says("Hello") + event({ type: "response.output_item.done", item: CALL }) +
        ends("incomplete", { incomplete_details: { reason: "max_output_tokens" } }),
        "Hello",
        { reason: "length" },
      ],
      [
        "a refusal in words",
        event({ type: "response.refusal.delta", delta: "I won't." }) + ends("completed"),
        "I won't.",
        { reason: "content_filter" },
      ],
      [
        "token counts with cached ones",
        says("Hello") + ends("completed", {
          usage: { input_tokens: 9, input_tokens_details: { cached_tokens: 7 }, output_tokens: 2 },
        }),
        "Hello",
        { reason: "stop", usage: { inputTokens: 9, cachedTokens: 7, outputTokens: 2 } },
      ],
      [
        "unknown events, and comments",
        `: ping\n\n${event({ type: "response.new_thing", x: 1 })}${says("Hello")}${
          ends("completed")
        }`,
        "Hello",
        { reason: "stop" },
      ],
    ];
  for (const [what, answer, text, finish] of answers) {
    it(`reads ${what}, in pieces of any size`, () => {
      for (const size of [1, 7, Infinity]) {
        const heard = read(answer, size);
        assert.equal(heard.text, text);
        sameData(heard.finish, { kind: "finish", ...finish });
      }
    });
  }

  const failures: readonly [what: string, answer: string, kind: ModelErrorKind][] = [
    ["no end", says("Hello"), "not_an_answer"],
    ["no text", ends("completed"), "not_an_answer"],
    [
      "a filter",
      ends("incomplete", { incomplete_details: { reason: "content_filter" } }),
      "filtered",
    ],
    ["an error", ends("failed", { error: { code: "server_error", message: "x" } }), "server_error"],
    [
      "a rate limit",
      ends("failed", { error: { code: "rate_limit_exceeded", message: "x" } }),
      "rate_limited",
    ],
    [
      "a length",
      event({ type: "error", code: "context_length_exceeded", message: "x" }),
      "context_length",
    ],
    ["an error in another form", event({ type: "error", error: { message: "x" } }), "rejected"],
    ["a broken event", "event: x\ndata: {oops\n\n", "not_an_answer"],
    ["a chat completion", JSON.stringify({ object: "chat.completion" }), "not_an_answer"],
    ["a list", "[1]", "not_an_answer"],
    ["nothing", "", "not_an_answer"],
  ];
  for (const [what, answer, kind] of failures) {
    it(`fails with ${what} as ${kind}, without a secret`, () => {
      assert.throws(() => read(answer.replace('"x"', '"sk-canary-0123456789"')), (error) => {
        assert.ok(error instanceof ModelError);
        assert.equal(error.kind, kind);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    });
  }
});

describe("[L1] responsesBody()", () => {
  it("asks only reasoning models for encrypted reasoning, as others refuse it", () => {
    const names: readonly (readonly [name: string, isAsked: boolean])[] = [
      ["gpt-5.1", true],
      ["o4-mini", true],
      ["openai/gpt-oss-20b", true],
      ["gpt-4.1", false],
      ["gpt-5-chat-latest", false],
      ["llama3.2", false],
    ];
    for (const [name, isAsked] of names) {
      const { include } = JSON.parse(
        responsesBody(QUESTION, { ...settingsFor({ baseUrl: "http://x/v1" }), name }),
      );
      assert.equal(include !== undefined, isAsked, name);
    }
  });

  it("gives OpenAI's own servers a key for their cache, which hides the session's", () => {
    const request = { ...QUESTION, sessionKey: "agent:main:discord:channel:12345" };
    const keyAt = (baseUrl: string) =>
      JSON.parse(responsesBody(request, settingsFor({ baseUrl })))["prompt_cache_key"];
    assert.match(keyAt("https://api.openai.com/v1"), /^[0-9a-f]{32}$/);
    assert.equal(keyAt("http://127.0.0.1:8080/v1"), undefined);
  });
});
