/** Reads observed forms of answers: whole, byte by byte, and cut anywhere. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelUsage,
} from "../../src/core/model.ts";
import { createChatAnswerReader } from "../../src/providers/chat_completions.ts";
import { sameData } from "../support/same_data.ts";

const KEY = "sk-canary-0123456789";

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object | null, finish_reason: string | null = null, more: object = {}) =>
  data({ id: "c", choices: [{ index: 0, delta, finish_reason }], ...more });
const says = (content: unknown) => chunk({ content });
const USAGE = { prompt_tokens: 11, completion_tokens: 5, total_tokens: 16 };
const COUNTS = data({ id: "c", choices: [], usage: USAGE });
const DONE = "data: [DONE]\n\n";
const HELLO = says("Hel") + says("lo");
const STOP = chunk({}, "stop");

interface Expected {
  readonly text: string;
  readonly reason?: "stop" | "length" | "content_filter" | "tool_calls" | "other";
  readonly carried?: string;
  readonly usage?: ModelUsage;
  readonly fails?: ModelErrorKind;
  readonly message?: RegExp;
}

const WHOLE: Expected = { text: "Hello", reason: "stop" };
const COUNTED: Expected = { ...WHOLE, usage: { inputTokens: 11, outputTokens: 5 } };
const NO_ANSWER: Expected = { text: "Hello", fails: "not_an_answer" };

const completion = (message: object, finish_reason = "stop") => ({
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }],
  usage: USAGE,
});

const BODIES: readonly [what: string, body: string, expected: Expected][] = [
  ["a stream", HELLO + STOP + COUNTS + DONE, COUNTED],
  ["a role with the first words", chunk({ role: "assistant", content: "Hello" }) + STOP, WHOLE],
  ["a last chunk with words", says("Hel") + chunk({ content: "lo" }, "stop") + DONE, WHOLE],
  ["a reason in a chunk without a delta", HELLO + chunk(null, "stop") + DONE, WHOLE],
  ["a reason that later chunks leave out", HELLO + STOP + chunk({ content: "" }) + DONE, WHOLE],
  ["[DONE] in place of a reason", HELLO + DONE, WHOLE],
  ["without a reason", JSON.stringify({ choices: [{ message: { content: "Hello" } }] }), WHOLE],
  ["its text as one part", JSON.stringify(completion({ content: { text: "Hello" } })), COUNTED],
  [
    "parts of the names of another format",
    chunk({ content: [{ type: "output_text", text: "Hello" }] }) + STOP,
    WHOLE,
  ],
  [
    "the text of the format before chats",
    JSON.stringify({ choices: [{ text: "Hello", finish_reason: "stop" }] }),
    { text: "Hello", reason: "stop" },
  ],
  ["an empty reason until the end", chunk({ content: "Hello" }, "") + STOP + DONE, WHOLE],
  ["no [DONE]", HELLO + STOP + COUNTS, COUNTED],
  ["no empty line at the end", (HELLO + STOP + DONE).trimEnd(), WHOLE],
  ["a last chunk without a line end", (HELLO + STOP).trimEnd(), WHOLE],
  ["a space after [DONE]", HELLO + STOP + "data: [DONE] \n\n", WHOLE],
  ["words after [DONE]", HELLO + STOP + DONE + says("!"), WHOLE],
  ["no space after the colon", (HELLO + STOP + DONE).replaceAll("data: ", "data:"), WHOLE],
  ["CRLF", (HELLO + STOP + COUNTS + DONE).replaceAll("\n", "\r\n"), COUNTED],
  ["CR only", (HELLO + STOP + COUNTS + DONE).replaceAll("\n", "\r"), COUNTED],
  ["line ends of all kinds", says("Hel").replaceAll("\n", "\r\n") + says("lo") + STOP, WHOLE],
  ["a byte order mark", `\uFEFF${HELLO}${STOP}${DONE}`, WHOLE],
  ["empty lines first", `\n\n \n${HELLO}${STOP}${DONE}`, WHOLE],
  ["comments", `: hi\n\n${says("Hel")}: OPENROUTER PROCESSING\n\n${says("lo")}${STOP}`, WHOLE],
  ["ids, names and retries", `id: 1\nevent: message\nretry: 9\n${HELLO}${STOP}`, WHOLE],
  ["unknown fields", `x-ray: 1\nnonsense\n${HELLO}${STOP}`, WHOLE],
  ["empty data", `data:\n\n${says("Hel")}data: \n\ndata\n\n${says("lo")}${STOP}`, WHOLE],
  [
    "data over several lines",
    'data: {"choices":\ndata: [{"delta":{"content":"Hello"},\ndata: "finish_reason":"stop"}]}\n\n',
    WHOLE,
  ],
  ["a chunk without choices first", data({ prompt_filter_results: [] }) + HELLO + STOP, WHOLE],
  ["empty choices", data({ choices: [] }) + HELLO + data({ choices: [] }) + STOP, WHOLE],
  ["choices of null", data({ choices: null, usage: USAGE }) + HELLO + STOP, COUNTED],
  ["an event of null", `data: null\n\n${HELLO}${STOP}`, WHOLE],
  ["an error of null", chunk({ content: "Hello" }, "stop", { error: null }), WHOLE],
  ["usage of null", chunk({ content: "Hello" }, "stop", { usage: null }) + DONE, WHOLE],
  ["usage with the reason", says("Hello") + chunk({}, "stop", { usage: USAGE }) + DONE, COUNTED],
  [
    "usage that grows",
    chunk({ content: "Hello" }, null, { usage: { prompt_tokens: 11, completion_tokens: 1 } }) +
    STOP + COUNTS + DONE,
    COUNTED,
  ],
  [
    "usage with its details",
    HELLO + STOP + data({
      choices: [],
      usage: {
        ...USAGE,
        prompt_tokens_details: { cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    }),
    { ...WHOLE, usage: { inputTokens: 11, outputTokens: 5, cachedTokens: 8 } },
  ],
  [
    "cached tokens as DeepSeek counts them",
    HELLO + STOP + data({ choices: [], usage: { ...USAGE, prompt_cache_hit_tokens: 9 } }),
    { ...WHOLE, usage: { inputTokens: 11, outputTokens: 5, cachedTokens: 9 } },
  ],
  ["half of the usage", HELLO + STOP + data({ choices: [], usage: { prompt_tokens: 1 } }), WHOLE],
  ["text", HELLO + STOP + data({ usage: { prompt_tokens: "1", completion_tokens: null } }), WHOLE],
  ["content of null", chunk({ content: null }) + HELLO + STOP, WHOLE],
  [
    "content in parts",
    says([{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }]) +
    says([{ type: "text", text: "Hel" }, { type: "text", text: "lo" }, null, { type: "text" }]) +
    STOP,
    {
      ...WHOLE,
      carried:
        '{"fields":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]}]},"calls":[]}',
    },
  ],
  [
    "thinking of its own",
    chunk({ reasoning_content: "Hm." }) + chunk({ reasoning: "Hm." }) + HELLO + STOP,
    { ...WHOLE, carried: '{"fields":{"reasoning_content":"Hm.","reasoning":"Hm."},"calls":[]}' },
  ],
  ...["max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded"].map((
    word,
  ): (typeof BODIES)[number] => [
    `the reason length as another vendor writes it: ${word}`,
    HELLO + chunk({}, word),
    { text: "Hello", reason: "length" },
  ]),
  ["the reason length", HELLO + chunk({}, "length"), { text: "Hello", reason: "length" }],
  ["a reason of its own", HELLO + chunk({}, "eos_token"), { text: "Hello", reason: "stop" }],
  [
    "a refusal",
    chunk({ refusal: "I " }) + chunk({ refusal: "won't." }) + STOP,
    { text: "I won't.", reason: "content_filter" },
  ],
  ["white space first", says("\n\n ") + says("Hi") + STOP, { text: "\n\n Hi", reason: "stop" }],
  [
    "characters of many bytes",
    says("naïve – 🐚") + says("潮") + STOP + DONE,
    { text: "naïve – 🐚潮", reason: "stop" },
  ],

  ["one completion", JSON.stringify(completion({ content: "Hello" })), COUNTED],
  [
    "one completion over several lines",
    `\n ${JSON.stringify(completion({ content: "Hello" }), null, 2)}\n`,
    COUNTED,
  ],
  ["in parts", JSON.stringify(completion({ content: [{ type: "text", text: "Hello" }] })), COUNTED],
  ["half of a completion", JSON.stringify(completion({ content: "Hello" })).slice(0, -9), {
    text: "",
    fails: "not_an_answer",
  }],
  [
    "one completion without text",
    JSON.stringify(completion({ content: null })),
    { text: "", fails: "not_an_answer", message: /without any text/ },
  ],
  [
    "an error in place of a stream",
    JSON.stringify({ error: { message: `no such key ${KEY}`, code: 503 } }),
    { text: "", fails: "unavailable", message: /broke off with an error: no such key \[secret\]$/ },
  ],

  ["nothing", "", { text: "", fails: "not_an_answer", message: /ended its answer early/ }],
  ["an empty line", "\n", { text: "", fails: "not_an_answer" }],
  ["[DONE] alone", DONE, { text: "", fails: "not_an_answer", message: /ended its answer early/ }],
  ["a reason", STOP + DONE, { text: "", fails: "not_an_answer", message: /without any text/ }],
  ["white space only", says(" \n") + STOP, { text: "", fails: "not_an_answer" }],
  ["length", chunk({}, "length"), { text: "", fails: "not_an_answer", message: /used up/ }],
  ["a filter alone", chunk({}, "content_filter"), { text: "", fails: "filtered" }],
  ["no reason and no [DONE]", HELLO, { ...NO_ANSWER, message: /ended its answer early/ }],
  ["a reason `error`", HELLO + chunk({}, "error") + DONE, NO_ANSWER],
  ["half of a chunk", HELLO + STOP.slice(0, 30), NO_ANSWER],
  ["an event that is no JSON", `${HELLO}data: <<<\n\n${STOP}`, NO_ANSWER],
  ["an event that is a number", `${HELLO}data: 42\n\n${STOP}`, NO_ANSWER],
  ["content that is a number", HELLO + says(42) + STOP, NO_ANSWER],
  ["text of no format", "Hello, I am a server\n", { text: "", fails: "not_an_answer" }],
  [
    "an error object",
    HELLO + data({ error: { message: "exploded", code: 500 } }) + DONE,
    { text: "Hello", fails: "server_error", message: /broke off with an error: exploded$/ },
  ],
  [
    "an error beside a choice",
    HELLO + chunk({ content: "" }, "error", { error: { code: 429, message: "slow down" } }),
    { text: "Hello", fails: "rate_limited", message: /slow down$/ },
  ],
  ["an error that is a text", HELLO + data({ error: "boom" }), { ...NO_ANSWER, message: /boom$/ }],
  [
    "an error without its wrapping",
    data({ object: "error", message: "boom", type: "overloaded_error" }),
    { text: "", fails: "unavailable", message: /boom$/ },
  ],
  [
    "an `error` event",
    `${HELLO}event: error\n${data({ error: { message: "boom" } })}`,
    { ...NO_ANSWER, message: /boom$/ },
  ],
  [
    "an `error` event without a wrapping",
    `${HELLO}event: error\n${data({ message: "boom", code: "503" })}`,
    { text: "Hello", fails: "unavailable", message: /boom$/ },
  ],
  ["`error` of text", `${HELLO}event: error\ndata: boom\n\n`, { ...NO_ANSWER, message: /boom$/ }],
];

describe("[L3] createChatAnswerReader()", () => {
  for (const [what, body, expected] of BODIES) {
    it(`reads ${what}`, () => {
      const bytes = new TextEncoder().encode(body);
      assertRead([bytes], expected);
      assertRead(Array.from(bytes, (byte) => Uint8Array.of(byte)), expected);
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 5 }), (cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
          const pieces = at.slice(1).map((end, piece) => bytes.subarray(at[piece], end));
          assertRead(pieces, expected);
        }),
        { numRuns: 20 },
      );
    });
  }

  it("joins text that arrives together", () => {
    const answer = createChatAnswerReader("p/m", []);
    assert.equal(answer.read(new TextEncoder().encode(HELLO + STOP)), "Hello");
  });

  it("tells when only token counts may follow, and when nothing may", () => {
    const answer = createChatAnswerReader("p/m", []);
    const after = (text: string) => {
      answer.read(new TextEncoder().encode(text));
      return [answer.hasEnded(), answer.isOver()];
    };
    assert.deepEqual(after(HELLO), [false, false]);
    assert.deepEqual(after(STOP), [true, false]);
    assert.deepEqual(after(COUNTS), [true, false]);
    assert.deepEqual(after(DONE), [true, true]);
  });

  it("accepts a broken last chunk after the reason", () => {
    assertRead([new TextEncoder().encode(HELLO + STOP + 'data: {"usa')], WHOLE);
  });

  it("fails with `not_an_answer` for any bytes", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const { error } = read(pieces);
      assert.ok(error instanceof ModelError && error.kind === "not_an_answer");
    }));
  });
});

const piece = (index: number | undefined, id?: string, name?: string, args?: unknown) =>
  chunk({
    tool_calls: [{
      ...(index !== undefined && { index }),
      ...(id !== undefined && { id }),
      type: "function",
      function: { ...(name !== undefined && { name }), arguments: args },
    }],
  });
const CALLED = chunk({}, "tool_calls");

/** Calls as `id name(arguments)`. */
const CALLS: readonly [what: string, body: string, calls: readonly string[]][] = [
  [
    "by index",
    piece(0, "a", "tide", "") + piece(1, "b", "moon", "") + piece(0, undefined, undefined, '{"p') +
    piece(1, undefined, undefined, "{}") + piece(0, undefined, undefined, '":1}'),
    ['a tide({"p":1})', "b moon({})"],
  ],
  [
    "another id with each piece",
    piece(0, "a", "tide", '{"p') + piece(0, "b", undefined, '":1}'),
    ['a tide({"p":1})'],
  ],
  ["a name in pieces", piece(0, "a", "ti") + piece(0, undefined, "de", "{}"), ["a tide({})"]],
  ["no name yet", piece(0, undefined, undefined, "{") + piece(0, "a", "tide", "}"), ["a tide({})"]],
  ["one call without a list", chunk({ tool_calls: { id: "a", function: { name: "tide" } } }), [
    "a tide({})",
  ]],
  [
    "name and arguments beside the id",
    chunk({ tool_calls: [{ id: "a", name: "tide", arguments: "{}" }] }),
    ["a tide({})"],
  ],
  ["arguments as an object", piece(0, "a", "tide", { p: 1 }), ['a tide({"p":1})']],
  [
    "an id that another call was given",
    piece(undefined, "", "tide", "{}") + piece(undefined, "call_1", "moon", "{}"),
    ["call_1 tide({})", "call_2 moon({})"],
  ],
];

describe("[T1] the last part of an answer", () => {
  for (const [what, body, calls] of CALLS) {
    it(`has the calls of ${what}`, () => {
      const { part } = read([encoded(body + CALLED)]);
      assert.ok(part);
      const { reason, calls: found = [] } = part;
      assert.deepEqual(found.map((call) => `${call.id} ${call.name}(${call.arguments})`), calls);
      assert.equal(reason, "tool_calls");
    });
  }

  it("has no calls of an answer that was cut off", () => {
    const cut = piece(0, "a", "tide", '{"port":') + chunk({ content: "I" }) + chunk({}, "length");
    const { part } = read([encoded(cut)]);
    assert.deepEqual([part?.reason, part?.calls], ["length", undefined]);
  });

  it("is a failure if the answer announces calls and has none", () => {
    const { error } = read([encoded(chunk({ tool_calls: "tide" }) + CALLED)]);
    assert.ok(error instanceof ModelError);
    assert.match(error.message, /said that it calls tools, and called none/);
  });

  it("finds the calls of one completion", () => {
    const called = { id: "a", type: "function", function: { name: "tide", arguments: "{}" } };
    const body = JSON.stringify(completion({ content: null, tool_calls: [called] }, "tool_calls"));
    const { part } = read([encoded(body)]);
    assert.deepEqual(part?.calls, [{ id: "a", name: "tide", arguments: "{}" }]);
    assert.equal(part?.reason, "tool_calls");
  });
});

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads as a caller does, until the answer or the body is over. */
function read(pieces: readonly Uint8Array[]) {
  const answer = createChatAnswerReader("p/m", [KEY]);
  let text = "";
  for (const piece of [...pieces, undefined]) {
    if (answer.isOver()) break;
    text += answer.read(piece);
  }
  let part: Extract<ModelPart, { kind: "finish" }> | undefined;
  let error: unknown;
  try {
    part = answer.finish();
  } catch (thrown) {
    error = thrown;
  }
  return { answer, text, part, error };
}

function assertRead(pieces: readonly Uint8Array[], expected: Expected): void {
  const { text, part, error } = read(pieces);
  assert.equal(text, expected.text);
  if (expected.reason) {
    assert.equal(error, undefined);
    sameData(part, {
      kind: "finish",
      reason: expected.reason,
      carried: expected.carried,
      ...(expected.usage && { usage: expected.usage }),
    });
    return;
  }
  assert.ok(error instanceof ModelError, String(error));
  assert.equal(error.kind, expected.fails);
  if (expected.message) assert.match(error.message, expected.message);
}
