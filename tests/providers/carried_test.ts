/** Tests that an answer goes back as it came, with servers that enforce their rules about it. */

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import { ModelError, type ModelMessage, type ModelRequest } from "../../src/core/model.ts";
import { createModel } from "../../src/providers/models.ts";
import { withPlainerRequests } from "../../src/providers/refused/plainer_requests.ts";
import type { ModelSettings, ProviderSettings } from "../../src/providers/settings.ts";
import {
  fakeFetch,
  listen,
  QUESTION,
  restoreFetch,
  settingsFor,
} from "../support/model/model_server.ts";

afterEach(restoreFetch);

type Fields = Readonly<Record<string, unknown>>;
type Assistant = Extract<ModelMessage, { role: "assistant" }>;

/** A message of a request for chat completions. */
interface Sent extends Fields {
  readonly role: string;
  readonly tool_calls?: readonly Fields[];
}

const TIDE = { name: "tide", description: "Tells the tide.", parameters: { type: "object" } };
const CALL = { id: "t1", type: "function", function: { name: "tide", arguments: "{}" } };
const USER: ModelMessage = { role: "user", text: "When is high tide?" };

const chunk = (delta: Fields, finish_reason?: string) =>
  `data: ${JSON.stringify({ choices: [{ delta, finish_reason }] })}\n\n`;
const called = (fields: Fields, call: Fields = {}) =>
  chunk(fields) + chunk({ tool_calls: [{ index: 0, ...CALL, ...call }] }) + chunk({}, "tool_calls");
const says = (fields: Fields) => chunk({ ...fields, content: "High." }) + chunk({}, "stop");

/**
 * A server of chat completions.
 *
 * @param refuses Returns its words for a request that breaks its rule.
 */
function serverOf(
  answer: string,
  refuses: (messages: readonly Sent[], body: Fields) => string | undefined = () => undefined,
) {
  const sent: (readonly Sent[])[] = [];
  fakeFetch(async (_, init) => {
    const body = JSON.parse(await new Response(init?.body).text());
    sent.push(body.messages.slice(1));
    const message = refuses(body.messages.slice(1), body);
    return message === undefined
      ? new Response(answer.startsWith("{") ? answer : `${answer}data: [DONE]\n\n`, {
        headers: { "content-type": "text/event-stream" },
      })
      : Response.json({ error: { message } }, { status: 400 });
  });
  const modelOf = (settings: Partial<ModelSettings>, provider: Partial<ProviderSettings> = {}) =>
    withPlainerRequests(
      createModel({
        ...settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, provider),
        ...settings,
      }),
      { now: () => 0 },
    );
  const model = modelOf({});
  const ask = async (messages: readonly ModelMessage[], by = model) => {
    const request: ModelRequest = { ...QUESTION, messages, tools: [TIDE] };
    const { parts, error } = await listen(by, undefined, request);
    const last = parts.at(-1);
    return { error, last: last?.kind === "finish" ? last : undefined };
  };
  const answered = async (messages: readonly ModelMessage[] = [USER]): Promise<Assistant> => {
    const { last, error } = await ask(messages);
    assert.ok(last, String(error));
    return { role: "assistant", text: "", calls: last.calls, carried: last.carried };
  };
  return { sent, modelOf, ask, answered };
}

/** A turn with a call: the question, the answer, and the result. */
function turnOf(answer: Assistant): readonly ModelMessage[] {
  const [call] = answer.calls ?? [];
  assert.ok(call);
  return [USER, answer, { role: "tool", call, text: "high" }];
}

const PLAIN: Assistant = {
  role: "assistant",
  text: "",
  calls: [{ ...TIDE, id: "p", arguments: "{}" }],
};

/** The fields of answers with calls in a request, but for those that each has. */
function extras(messages: readonly Sent[] = []): readonly Fields[] {
  return messages.filter(({ role }) => role === "assistant").map(
    ({ role: _, content, tool_calls: calls, ...own }) => {
      const fields = Array.isArray(content) ? { content, ...own } : own;
      const ofCalls = (calls ?? []).map(({ id: _, type: _type, function: _called, ...more }) =>
        more
      );
      return ofCalls.some((one) => Object.keys(one).length > 0) ? { ...fields, ofCalls } : fields;
    },
  );
}

const DETAIL = { type: "reasoning.text", text: "Tides turn.", format: "x-v1", index: 0 };
const SIGNED = { extra_content: { google: { thought_signature: "c2lnbmVk" } } };

const THOUGHT = { type: "thinking", thinking: [{ type: "text", text: "Tides turn." }] };

/** Answers in pieces, and their fields as they go back. */
const ANSWERS: readonly (readonly [server: string, answer: string, fields: Fields])[] = [
  [
    "DeepSeek, Kimi",
    chunk({ reasoning_content: "Tides " }) + called({ reasoning_content: "turn." }),
    { reasoning_content: "Tides turn." },
  ],
  ["a server whose model thought nothing", called({ reasoning_content: "" }), {
    reasoning_content: "",
  }],
  [
    "OpenRouter",
    chunk({ reasoning: "Tides ", reasoning_details: [{ ...DETAIL, text: "Tides " }] }) +
    chunk({ reasoning: "turn.", reasoning_details: [{ ...DETAIL, text: "turn." }] }) +
    called({ reasoning_details: [{ ...DETAIL, text: null, signature: "signed" }] }) +
    chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "sealed", index: 0 }] }),
    {
      reasoning: "Tides turn.",
      reasoning_details: [
        { ...DETAIL, signature: "signed" },
        { type: "reasoning.encrypted", data: "sealed", index: 0 },
      ],
    },
  ],
  ["Mistral", called({ content: [THOUGHT] }), { content: [THOUGHT] }],
  ["Gemini 3 by its OpenAI address", called({}, SIGNED), { ofCalls: [SIGNED] }],
  ["a server of tomorrow", called({ plan: { steps: ["look"], depth: 2 }, refusal: null }), {
    plan: { steps: ["look"], depth: 2 },
  }],
  [
    "a server without streams",
    JSON.stringify({ choices: [{ message: { reasoning_content: "Hm.", tool_calls: [CALL] } }] }),
    { reasoning_content: "Hm." },
  ],
];

describe("[L1] an answer goes back as it came", () => {
  for (const [server, answer, fields] of ANSWERS) {
    it(`to ${server}, in its turn and in later ones`, async () => {
      const { sent, ask, answered } = serverOf(answer);
      const turn = turnOf(await answered());
      await ask(turn);
      assert.deepEqual(extras(sent[1]), [fields]);
      await ask([...turn, { role: "assistant", text: "High." }, USER]);
      assert.deepEqual(extras(sent[2]), [fields, {}]);
    });
  }

  it("also if it called no tool", async () => {
    const { sent, ask } = serverOf(says({ reasoning_details: [DETAIL] }));
    const { last } = await ask([USER]);
    await ask([USER, { role: "assistant", text: "High.", carried: last?.carried }, USER]);
    assert.deepEqual(extras(sent[1]), [{ reasoning_details: [DETAIL] }]);
  });

  it("whatever its fields are, and however the stream cuts their texts", async () => {
    const name = fc.stringMatching(/^[a-z]{3,9}_x$/);
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.dictionary(name, fc.string()),
    );
    const piecesOf = (whole: unknown, at: number): readonly unknown[] =>
      typeof whole === "string" ? [whole.slice(0, at), whole.slice(at)] : [whole];
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value), fc.nat(5), async (fields, at) => {
        const pieces = Object.entries(fields).flatMap(([field, whole]) =>
          piecesOf(whole, at).map((piece) => chunk({ [field]: piece }))
        );
        const { sent, ask, answered } = serverOf(pieces.join("") + called({}));
        await ask(turnOf(await answered()));
        assert.deepEqual(extras(sent[1]), [JSON.parse(JSON.stringify(fields))]);
      }),
      { numRuns: 40 },
    );
  });

  it("to no other server, and to no other model of it", async () => {
    const { sent, ask, answered, modelOf } = serverOf(called({ reasoning_content: "Hm." }, SIGNED));
    const turn = turnOf(await answered());
    await ask(turn, modelOf({ name: "other" }));
    await ask(turn, modelOf({}, { baseUrl: "http://127.0.0.2:9/v1" }));
    assert.deepEqual([sent[1], sent[2]].flatMap(extras), [{}, {}]);
    for (const kind of ["openai-responses", "anthropic", "google"] as const) {
      let body = "";
      fakeFetch(async (_, init) => {
        body = await new Response(init?.body).text();
        return new Response("{}", { status: 500 });
      });
      const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, { kind });
      await ask(turn, withPlainerRequests(createModel(settings), { now: () => 0 }));
      assert.match(body, /high/);
      assert.doesNotMatch(body, /Hm\.|c2lnbmVk/);
    }
  });

  it("and changes no prototype", async () => {
    const bad =
      '{"choices":[{"delta":{"__proto__":{"isBad":1},"plan":{"__proto__":{"isBad":1}}}}]}';
    const { ask } = serverOf(`data: ${bad}\n\ndata: ${bad}\n\n` + called({}));
    await ask([USER]);
    assert.equal("isBad" in {}, false);
  });

  it("without its fields if these have more than 256 kB", async () => {
    const { sent, ask, answered } = serverOf(called({ reasoning_content: "ä".repeat(140_000) }));
    await ask(turnOf(await answered()));
    assert.deepEqual(extras(sent[1]), [{}]);
  });
});

const THINKS = called({ reasoning_content: "Hm." });
const isEarly = (messages: readonly Sent[], at: number) =>
  at < messages.findLastIndex(({ role }) => role === "user");
const has = (field: string) => (message: Sent) => field in message;

describe("[L1] a server that refuses carried fields", () => {
  const refusals: readonly [where: string, words: string][] = [
    ["at once", "property 'reasoning_content' is unsupported"],
    ["far behind other words", `${"see the docs; ".repeat(40)}'reasoning_content' is unsupported`],
  ];
  for (const [where, words] of refusals) {
    it(`gets none of a name that it refuses ${where} any more, from the first refusal on`, async () => {
      const { sent, ask, answered } = serverOf(
        THINKS,
        (messages) => messages.some(has("reasoning_content")) ? words : undefined,
      );
      const turn = turnOf(await answered());
      assert.equal((await ask(turn)).error, undefined);
      assert.deepEqual(sent.map((messages) => messages.filter(has("reasoning_content")).length), [
        0,
        1,
        0,
      ]);
      await ask(turn);
      assert.equal(sent.length, 4);
    });
  }

  it("keeps those of the turn if it refuses only earlier ones", async () => {
    const { sent, ask, answered } = serverOf(THINKS, (messages) => {
      const calls = messages.flatMap((one, at) =>
        one.tool_calls ? [[one, isEarly(messages, at)]] : []
      );
      const isWrong = calls.some(([one, early]) => early === "reasoning_content" in Object(one));
      return isWrong ? "thinking of old turns is not accepted, that of this turn is" : undefined;
    });
    const turn = turnOf(await answered());
    assert.equal((await ask([...turn, ...turn])).error, undefined);
    assert.equal((await ask([...turn, ...turn])).error, undefined);
    assert.equal(sent.length, 4, "one refusal in all");
  });

  it("learns nothing if it refuses the smaller requests, too", async () => {
    const { sent, ask, answered } = serverOf(
      THINKS,
      () => sent.length === 1 ? undefined : "unknown parameter, think again",
    );
    const turn = turnOf(await answered());
    const { error } = await ask(turn);
    assert.ok(error instanceof ModelError && error.kind === "rejected");
    assert.ok(sent.length <= 10);
    const before = sent.length;
    await ask(turn);
    assert.ok(sent.slice(before).some((messages) => messages.some(has("reasoning_content"))));
  });

  it("keeps them after refusals of something else", async () => {
    for (
      const words of [
        "Unsupported value: 'reasoning_effort'",
        "parameter reasoningEffort is not in the plans",
        "Invalid schema for function 'x'",
      ]
    ) {
      const thinks = called({ reasoning_content: "Hm.", plan: "look" });
      let isDown = false;
      const { sent, ask, answered } = serverOf(thinks, () => isDown ? words : undefined);
      const turn = turnOf(await answered());
      isDown = true;
      await ask(turn);
      isDown = false;
      await ask(turn);
      assert.ok(sent.length <= 11 && sent.at(-1)?.some(has("reasoning_content")), words);
    }
  });
});

/** Servers that want their fields back: their words, and whether a message breaks the rule. */
const DEMANDS: readonly (readonly [string, string, string, (message: Sent) => boolean])[] = [
  [
    "DeepSeek",
    THINKS,
    "Missing `reasoning_content` field in the assistant message at message index 2.",
    (message) => !("reasoning_content" in message),
  ],
  [
    "Kimi",
    THINKS,
    "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
    (message) => !message["reasoning_content"],
  ],
  [
    "Gemini",
    called({}, SIGNED),
    "Function call is missing a thought_signature in functionCall parts. This is required for tools",
    (message) => !message.tool_calls?.every((call) => "extra_content" in call),
  ],
];

for (const [server, answer, words, lacks] of DEMANDS) {
  it(`[L1] a server that wants its fields back › gets them at once, and calls of another model as text: ${server}`, async () => {
    const { sent, ask, answered } = serverOf(
      answer,
      (messages) =>
        messages.some((message) => message.tool_calls && lacks(message)) ? words : undefined,
    );
    const turn = turnOf(await answered());
    for (const earlier of [turn, turnOf(PLAIN), turnOf(PLAIN)]) {
      assert.equal((await ask([...earlier, ...turn])).error, undefined);
    }
    assert.equal(sent.length, 5, "one refusal in all");
    assert.deepEqual(sent.at(-1)?.map(({ role }) => role), ["user", "assistant", "tool"]);
    assert.match(String(sent.at(-1)?.[0]?.["content"]), /\[result of the tool "tide"\]\nhigh\n\n/);
  });
}
