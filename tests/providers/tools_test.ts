/** Tests the tools of a conversation over real sockets, in each wire format. */

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage, ModelRequest, ToolCall } from "../../src/core/model.ts";
import { createModel, inOneForm } from "../../src/providers/models.ts";
import { createPromptCache, type PromptTokens } from "../../simulator/model/prompt_cache.ts";
import { cases } from "../support/long_form.ts";
import {
  fakeFetch,
  listen,
  modelAt,
  restoreFetch,
  settingsFor,
  withModelServer,
} from "../support/model/model_server.ts";

afterEach(restoreFetch);

const KINDS = ["openai-compatible", "anthropic", "google"] as const;

const TIDE = {
  name: "tide",
  description: "Tells the tide.",
  parameters: { type: "object", properties: { port: { type: "string" } }, required: ["port"] },
};

const asked = (words: string, fields: Partial<ModelRequest> = {}): ModelRequest => ({
  system: "Be kind.",
  messages: [{ role: "user", text: words }],
  tools: [TIDE],
  ...fields,
});

const CALLS: readonly ToolCall[] = [
  { id: "call_1_1", name: "tide", arguments: '{"port":"Hull"}' },
  { id: "call_1_2", name: "tide", arguments: '{"port":"Dover"}' },
];
const WORDS = 'call: tide {"port":"Hull"}\ncall: tide {"port":"Dover"}';

for (const kind of KINDS) {
  describe(`[T1] the tools of ${kind}`, () => {
    it("are called, several in one answer", async () => {
      await withModelServer({}, async (server) => {
        const { parts, error } = await listen(modelAt(server, { kind }), undefined, asked(WORDS));
        assert.equal(error, undefined);
        const last = parts.at(-1);
        assert.ok(last?.kind === "finish");
        assert.equal(last.reason, "tool_calls");
        if (kind === "google") { // its servers give no ids, and want their signatures back
          const called = last.calls?.map(({ id: _, ...call }) => call);
          assert.deepEqual(called, CALLS.map(({ id: _, ...call }) => call));
          assert.match(last.carried ?? "", /(?:.*"thoughtSignature":"signed-tide"){2}/);
          assert.equal(new Set(last.calls?.map(({ id }) => id)).size, 2);
        } else assert.deepEqual(last.calls, CALLS);
      });
    });

    it("answer in the next request, call by call", async () => {
      await withModelServer({}, async (server) => {
        const request = asked(WORDS, {
          messages: [
            { role: "user", text: WORDS },
            { role: "assistant", text: "Let me look.", calls: CALLS },
            ...CALLS.map((call, at) => ({ role: "tool", call, text: `tide ${at}` }) as const),
          ],
        });
        const { text, error } = await listen(modelAt(server, { kind }), undefined, request);
        assert.equal(error, undefined);
        assert.match(text, /The tools returned:\n\n> tide 0\n\n> tide 1$/);
        const roles = server.requests[0]?.messages.map(({ role }) => role);
        assert.deepEqual(roles, ["user", "assistant", "tool", "tool"]);
      });
    });

    it("are sent as JSON even if the model's own arguments were none", async () => {
      await withModelServer({}, async (server) => {
        for (const written of ['{"port":', "[1]", "", "null", '"Hull"']) {
          const call = { id: "call_1", name: "tide", arguments: written };
          const request = asked("hello", {
            messages: [
              { role: "user", text: "hello" },
              { role: "assistant", text: "", calls: [call] },
              { role: "tool", call, text: "Error: the arguments are not JSON" },
            ],
          });
          const { error } = await listen(modelAt(server, { kind }), undefined, request);
          assert.equal(error, undefined, written);
          const body = server.requests.at(-1)?.body ?? "";
          const empty = {
            "openai-compatible": /"arguments":"\{\}"/,
            anthropic: /"input":\{\}/,
            google: /"args":\{\}/,
          }[kind];
          assert.match(body, empty, written);
        }
      });
    });

    it("may have names and ids of other servers in the conversation", async () => {
      await withModelServer({}, async (server) => {
        const turn = (id: string): ModelRequest["messages"] => {
          const call = { id, name: "functions.tide<|channel|>", arguments: "{}" };
          return [
            { role: "user", text: "hello" },
            { role: "assistant", text: "", calls: [call] },
            { role: "tool", call, text: "high" },
            { role: "assistant", text: "high" },
          ];
        };
        const messages: ModelRequest["messages"] = [
          ...turn("functions.tide:0"),
          ...turn("functions.tide:0"),
          { role: "user", text: "hello" },
        ];
        const { error } = await listen(
          modelAt(server, { kind }),
          undefined,
          asked("", { messages }),
        );
        assert.equal(error, undefined);
        const body = server.requests[0]?.body ?? "";
        const all = (pattern: RegExp) => [...body.matchAll(pattern)].map(([, found]) => found);
        const names = all(/"name":"([^"]*functions[^"]*)"/g);
        assert.deepEqual([...new Set(names)], ["functions_tide__channel__"]);
        if (kind === "anthropic") {
          const ids = all(/"type":"tool_use","id":"([a-z0-9]*)"/g);
          assert.equal(new Set(ids).size, 2);
          assert.deepEqual(all(/"tool_use_id":"([^"]*)"/g), ids);
        }
      });
    });

    it("are seen but not called in a request that forbids calls", async () => {
      await withModelServer({}, async (server) => {
        const request = asked(WORDS, { mayCall: false });
        const { parts, text } = await listen(modelAt(server, { kind }), undefined, request);
        assert.notEqual(text, "");
        const last = parts.at(-1);
        assert.equal(last?.kind === "finish" && last.reason, "stop");
      });
    });
  });
}

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

for (const [kind, answer] of Object.entries(ANSWERS)) {
  it(`[L3] answers of odd servers › are read whole, whatever their fields and their stream are like: ${kind}`, () =>
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
          fakeFetch(() =>
            Promise.resolve(
              new Response(
                new ReadableStream({
                  pull(controller) {
                    if (at >= bytes.length) return controller.close();
                    controller.enqueue(bytes.slice(at, at += size));
                  },
                }),
              ),
            )
          );
          const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, {
            kind: kind as keyof typeof ANSWERS,
          });
          const heard = await listen(createModel(settings));
          assert.deepEqual([heard.text, heard.error], ["hello world", undefined]);
        },
      ),
      { numRuns: cases(30, 500) },
    ));
}
