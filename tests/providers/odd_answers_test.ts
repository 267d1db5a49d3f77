import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createModel } from "../../src/providers/models.ts";
import { cases } from "../support/long_form.ts";
import { listen, settingsFor } from "../support/model/model_server.ts";

/** Fields that servers add, or send as `null`. */
const more = (...names: readonly string[]) =>
  fc.dictionary(fc.constantFrom("x_extra", ...names), fc.constant(null));

/** The events of an answer "hello world" in each format, with odd fields. */
const ANSWERS = {
  "openai-compatible": fc.tuple(
    more("error", "usage", "system_fingerprint"),
    more("tool_calls", "function_call", "refusal", "role", "reasoning_content"),
    fc.constantFrom("stop", "end_turn", "eos"),
  ).map(([top, delta, end]): readonly object[] => [
    { ...top, choices: [{ delta: { ...delta, content: "hello " } }] },
    { ...top, choices: [{ index: null, delta: { ...delta, content: "world" } }] },
    { ...top, choices: [{ delta, finish_reason: end }] },
    { choices: null, usage: { prompt_tokens: 5, completion_tokens: 2 } },
  ]),
  "openai-responses": more("error", "usage", "incomplete_details").map((top) => [
    { type: "response.created", response: { ...top, status: "in_progress" } },
    { type: "response.output_text.delta", delta: "hello " },
    { type: "response.output_text.delta", delta: "world" },
    { type: "response.completed", response: { ...top, status: "completed", output: [] } },
  ]),
  anthropic: fc.tuple(
    more("id", "model", "stop_reason", "usage"),
    fc.constantFrom({}, { usage: null }, { usage: { output_tokens: 2, input_tokens: null } }),
  ).map(([message, end]) => [
    {
      type: "message_start",
      message: { type: "message", role: "assistant", content: [], ...message },
    },
    { type: "ping" },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello " } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "world" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, ...end },
    { type: "message_stop" },
  ]),
  google: fc.tuple(more("usageMetadata", "promptFeedback"), more("index", "safetyRatings")).map(
    ([top, candidate]) => [
      { ...top, candidates: [{ ...candidate, content: { parts: [{ text: "hello " }] } }] },
      {
        ...top,
        candidates: [{
          ...candidate,
          content: { role: "model", parts: [{ text: "world" }] },
          finishReason: "STOP",
        }],
      },
    ],
  ),
};

describe("[L3] answers of odd servers", () => {
  for (const [kind, answer] of Object.entries(ANSWERS)) {
    it(`are read whole, whatever their fields and their stream are like: ${kind}`, () =>
      fc.assert(
        fc.asyncProperty(
          answer as fc.Arbitrary<readonly object[]>,
          fc.constantFrom("\n", "\r\n"),
          fc.constantFrom("", ": ping"),
          fc.constantFrom("whole", "cut", "done"),
          fc.constantFrom(1, 7, 1_000_000),
          async (events, line, comment, end, size) => {
            const lines = events.map((event) =>
              `${comment}${line}${line}id: 1${line}data:${JSON.stringify(event)}${line}${line}`
            );
            const stream = lines.join("");
            const text = end === "cut"
              ? stream.trimEnd()
              : end === "done"
              ? `${stream}data: [DONE]${line}${line}`
              : stream;
            const bytes = new TextEncoder().encode(text);
            let at = 0;
            const fetch = () =>
              Promise.resolve(
                new Response(
                  new ReadableStream({
                    pull(controller) {
                      if (at >= bytes.length) return controller.close();
                      controller.enqueue(bytes.slice(at, at += size));
                    },
                  }),
                ),
              );
            const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, {
              kind: kind as keyof typeof ANSWERS,
            });
            const heard = await listen(createModel(settings, { fetch, now: () => 0 }));
            assert.deepEqual([heard.text, heard.error], ["hello world", undefined]);
          },
        ),
        { numRuns: cases(30, 500) },
      ));
  }
});
