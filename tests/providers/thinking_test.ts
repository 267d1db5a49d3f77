/** Tests thinking in each wire format: its level, its text, and what a server refuses. */

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { ModelMessage, ModelRequest } from "../../src/core/model.ts";
import type { ThinkLevel } from "../../src/core/config_file.ts";
import type { ProviderSettings } from "../../src/providers/settings.ts";
import { createModel } from "../../src/providers/models.ts";
import {
  fakeFetch,
  listen,
  QUESTION,
  restoreFetch,
  settingsFor,
} from "../support/model/model_server.ts";

afterEach(restoreFetch);

type Kind = ProviderSettings["kind"];
type Body = Readonly<Record<string, unknown>>;

const THOUGHT = "Tides turn.";
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const anthropic = (...events: readonly Body[]) =>
  events.map((one) => `event: ${one.type}\n${event(one)}`).join("");

/** An answer with thinking, as each API writes it. */
const ANSWERS: Readonly<Record<Kind, string>> = {
  "openai-responses": [
    { type: "response.reasoning_summary_text.delta", delta: "Tides " },
    { type: "response.reasoning_summary_text.delta", delta: "turn." },
    {
      type: "response.output_item.done",
      item: { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" },
    },
    {
      type: "response.output_item.done",
      item: { type: "function_call", call_id: "t1", name: "tide", arguments: "{}" },
    },
    { type: "response.completed", response: { status: "completed" } },
  ].map(event).join(""),
  "openai-compatible": event({ choices: [{ delta: { reasoning_content: "Tides " } }] }) +
    event({ choices: [{ delta: { reasoning_content: "turn." } }] }) +
    event({ choices: [{ delta: { content: "High." }, finish_reason: "stop" }] }) +
    "data: [DONE]\n\n",
  anthropic: anthropic(
    { type: "message_start", message: { id: "m", model: "x", usage: { input_tokens: 1 } } },
    ...[
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "thinking_delta", thinking: "Tides turn." },
      },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "signature_delta", signature: "signed" },
      },
      { type: "content_block_stop", index: 0 },
      {
        type: "content_block_start",
        index: 1,
        content_block: { type: "tool_use", id: "t1", name: "tide", input: {} },
      },
      {
        type: "content_block_delta",
        index: 1,
        delta: { type: "input_json_delta", partial_json: "{}" },
      },
      { type: "content_block_stop", index: 1 },
      {
        type: "message_delta",
        delta: { stop_reason: "tool_use", stop_sequence: null },
        usage: { output_tokens: 2 },
      },
      { type: "message_stop" },
    ],
  ),
  google: event({
    candidates: [{
      content: { role: "model", parts: [{ text: THOUGHT, thought: true }, { text: "High." }] },
      finishReason: "STOP",
    }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
  }),
};

/** A server that refuses what a test says, and keeps the requests. */
function serverOf(
  kind: Kind,
  refuses: (body: string) => string | undefined = () => undefined,
  name = "barnacle-script",
  answer = ANSWERS[kind],
) {
  const bodies: Body[] = [];
  fakeFetch(async (_, init) => {
    const body = await new Response(init?.body).text();
    bodies.push(JSON.parse(body));
    const message = refuses(body);
    return message === undefined
      ? new Response(answer, { headers: { "content-type": "text/event-stream" } })
      : Response.json({ error: { type: "invalid_request_error", message } }, { status: 400 });
  });
  const model = createModel({
    ...settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, { kind }),
    name,
  });
  const ask = (request: Partial<ModelRequest>) =>
    listen(model, undefined, { ...QUESTION, ...request });
  return { bodies, ask };
}

/** A turn of that server, whose answer calls a tool. */
async function turnWith(
  { ask }: Pick<ReturnType<typeof serverOf>, "ask">,
  request: Partial<ModelRequest> = { thinking: "low" },
): Promise<readonly ModelMessage[]> {
  const { parts } = await ask({ tools: [TIDE], ...request });
  const last = parts.at(-1);
  assert.ok(last?.kind === "finish" && last.calls?.[0]);
  const { calls, calls: [call], carried } = last;
  return [
    { role: "user", text: "tide?" },
    { role: "assistant", text: "", calls, carried },
    { role: "tool", call, text: "high" },
  ];
}

const TIDE = { name: "tide", description: "Tells the tide.", parameters: { type: "object" } };

describe("[K2] [L1] the level of thinking", () => {
  const levels: readonly [Kind, (body: Body) => unknown, ThinkLevel, unknown, string?][] = [
    ["openai-responses", (body) => body["reasoning"], "off", { effort: "none" }],
    ["openai-responses", (body) => body["reasoning"], "high", { effort: "high" }, "gpt-5.1"],
    ["openai-compatible", (body) => body["reasoning_effort"], "off", "none"],
    ["openai-compatible", (body) => body["reasoning_effort"], "high", "high"],
    ["anthropic", (body) => body["thinking"], "off", { type: "disabled" }],
    ["anthropic", (body) => body["thinking"], "medium", { type: "enabled", budget_tokens: 8_192 }],
    ["google", configOf, "off", { thinkingBudget: 0 }],
    ["google", configOf, "low", { thinkingBudget: 2_048 }],
  ];
  for (const [kind, field, level, sent, name] of levels) {
    it(`“${level}” reaches ${name ?? kind}`, async () => {
      const { ask, bodies } = serverOf(kind, undefined, name);
      const { error } = await ask({ thinking: level });
      assert.equal(error, undefined);
      assert.deepEqual(field(bodies[0] ?? {}), sent);
    });

    it(`is not in a request to ${name ?? kind} without one (${level})`, async () => {
      const { ask, bodies } = serverOf(kind, undefined, name);
      await ask({});
      assert.equal(field(bodies[0] ?? {}), undefined);
    });
  }

  for (const kind of ["openai-compatible", "openai-responses", "anthropic", "google"] as const) {
    it(`of ${kind} shows the thinking only if the request asks for it`, async () => {
      const { ask } = serverOf(kind);
      const thinkingIn = async (request: Partial<ModelRequest>) =>
        (await ask({ tools: [TIDE], ...request })).parts.map((part) =>
          part.kind === "thinking" ? part.text : ""
        ).join("");
      assert.equal(await thinkingIn({ showsThinking: true }), "Tides turn.");
      assert.equal(await thinkingIn({}), "");
    });
  }

  it("goes back to Anthropic with its signature, also in later turns", async () => {
    const { ask, bodies } = serverOf("anthropic");
    const turn = await turnWith({ ask });
    await ask({ thinking: "low", tools: [TIDE], messages: [...turn, ...turn] });
    const calls = ["thinking", "tool_use"];
    assert.deepEqual(contentsOf(bodies.at(-1)), [calls, ["text"], calls]);
    assert.match(JSON.stringify(bodies.at(-1)), /"signature":"signed"/);
    assert.deepEqual(bodies.at(-1)?.["thinking"], { type: "enabled", budget_tokens: 2_048 });

    // Anthropic refuses thinking after calls that were made without it.
    const plain = turn.map((one) =>
      one.role === "assistant" ? { ...one, carried: undefined } : one
    );
    await ask({ thinking: "low", tools: [TIDE], messages: plain });
    assert.equal(bodies.at(-1)?.["thinking"], undefined);
  });

  it("goes back to a server with Anthropic's API that thinks unasked and signs nothing", async () => {
    const unsigned = ANSWERS.anthropic.replace(
      /event: content_block_delta\ndata: [^\n]*signature_delta[^\n]*\n\n/,
      "",
    );
    const { ask, bodies } = serverOf("anthropic", undefined, undefined, unsigned);
    await ask({ tools: [TIDE], messages: await turnWith({ ask }, {}) });
    assert.match(
      JSON.stringify(bodies.at(-1)?.["messages"]),
      /\[\{"type":"thinking","thinking":"Tides turn."\},\{"type":"tool_use"/,
    );
  });

  it("goes back to OpenAI encrypted, before the calls that it led to", async () => {
    const { ask, bodies } = serverOf("openai-responses", undefined, "gpt-5.1");
    const messages = await turnWith({ ask }, {});
    assert.deepEqual(bodies[0]?.["include"], ["reasoning.encrypted_content"]);
    assert.equal(bodies[0]?.["store"], false);
    await ask({ tools: [TIDE], messages });
    assert.deepEqual(bodies.at(-1)?.["input"], [
      { type: "message", role: "user", content: [{ type: "input_text", text: "tide?" }] },
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" },
      { type: "function_call", call_id: "x61cbqxae", name: "tide", arguments: "{}" },
      { type: "function_call_output", call_id: "x61cbqxae", output: "high" },
    ]);
  });

  it("goes back to Responses as it came, with fields that are unknown", async () => {
    const item = (one: Body) => event({ type: "response.output_item.done", item: one });
    const step = { type: "reasoning", id: "rs_1", content: [{ text: "Hm." }], summary: [] };
    const { ask, bodies } = serverOf(
      "openai-responses",
      undefined,
      undefined,
      [
        item({ ...step, status: "completed" }),
        item({ type: "reasoning", id: "rs_2", summary: [] }), // an id of nothing that is stored
        event({ type: "response.output_text.delta", delta: "High." }),
        item({ type: "message", id: "msg_1", role: "assistant", phase: "final", content: [] }),
        event({ type: "response.completed", response: { status: "completed" } }),
      ].join(""),
    );
    const { parts } = await ask({});
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish");
    const { carried } = last;
    await ask({ messages: [{ role: "assistant", text: "High.", carried }] });
    assert.deepEqual(bodies.at(-1)?.["input"], [
      step,
      {
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: "High.", annotations: [] }],
        phase: "final",
      },
    ]);
  });

  it("of one server never goes to another one's", async () => {
    const kinds = ["openai-responses", "anthropic"] as const;
    for (const from of kinds) {
      const messages = await turnWith(serverOf(from, undefined, "anthropic.claude-sonnet-4"));
      for (const to of ["google", "openai-compatible", "openai-responses"] as const) {
        const { ask, bodies } = serverOf(to);
        const { error } = await ask({ tools: [TIDE], messages });
        assert.equal(error, undefined);
        assert.doesNotMatch(JSON.stringify(bodies), /signed|sealed|Tides turn/);
      }
    }
  });
});

const GOOGLE_CALL = {
  candidates: [{
    content: { role: "model", parts: [{ functionCall: { name: "tide", args: {} } }] },
  }],
};

/** The answer of each API with a call, and another reason of its end. */
const ENDS: readonly (readonly [Kind, reason: string, string])[] = [
  ...["end_turn", "pause_turn", "of_tomorrow"].flatMap((reason) =>
    [
      [
        "anthropic",
        reason,
        String(ANSWERS.anthropic).replace('"tool_use","stop_s', `"${reason}","stop_s`),
      ],
    ] as const
  ),
  ...["STOP", "OTHER", "MALFORMED_FUNCTION_CALL", "OF_TOMORROW"].map((finishReason) => {
    const [candidate] = GOOGLE_CALL.candidates;
    return [
      "google",
      finishReason,
      event({ candidates: [{ ...candidate, finishReason }] }),
    ] as const;
  }),
  ...["stop", "eos", "end_turn"].map((finish_reason) => {
    const calls = [{ index: 0, id: "t1", function: { name: "tide", arguments: "{}" } }];
    const choices = [{ delta: { tool_calls: calls }, finish_reason }];
    return ["openai-compatible", finish_reason, event({ choices })] as const;
  }),
];

for (const [kind, reason, answer] of ENDS) {
  it(`[T1] a call is a call › whatever the reason of the end says: ${kind}, ${reason}`, async () => {
    const { ask } = serverOf(kind, undefined, undefined, answer);
    const { parts, error } = await ask({ tools: [TIDE] });
    assert.equal(error, undefined);
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish");
    assert.deepEqual([last.reason, last.calls?.map(({ name }) => name)], ["tool_calls", ["tide"]]);
  });
}

/** Google's `thinkingConfig`. */
function configOf(body: Body): unknown {
  const { generationConfig } = body as {
    readonly generationConfig?: { readonly thinkingConfig?: unknown };
  };
  return generationConfig?.thinkingConfig;
}

/** The kinds of the parts of each answer in a request to Anthropic. */
function contentsOf(body: Body = {}): readonly (readonly string[])[] {
  const { messages = [] } = body as {
    readonly messages?: readonly {
      readonly role: string;
      readonly content: readonly { readonly type: string }[];
    }[];
  };
  return messages.filter(({ role }) => role === "assistant")
    .map(({ content }) => content.map(({ type }) => type));
}
