/** Tests thinking in each wire format: its level, and its text. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { frameOf } from "../../simulator/model/bedrock.ts";
import type { ModelRequest, ToolCall } from "../../src/core/model.ts";
import type { ThinkLevel } from "../../src/core/people/chosen.ts";
import type { ProviderSettings } from "../../src/providers/settings.ts";
import { createModel } from "../../src/providers/models.ts";
import { listen, QUESTION, settingsFor } from "../support/model/model_server.ts";

type Kind = ProviderSettings["kind"];
type Body = Readonly<Record<string, unknown>>;

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const anthropic = (...events: readonly Body[]) =>
  events.map((one) => `event: ${one.type}\n${event(one)}`).join("");

/** Frames of Amazon Bedrock. */
function converse(...events: readonly (readonly [string, Body])[]): Uint8Array<ArrayBuffer> {
  const frames = events.map(([type, payload]) =>
    frameOf({ ":message-type": "event", ":event-type": type }, JSON.stringify(payload))
  );
  return new Uint8Array(Buffer.concat(frames));
}

/** An answer with thinking, as each API writes it. */
const ANSWERS: Readonly<Record<Kind, string | Uint8Array<ArrayBuffer>>> = {
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
  bedrock: converse(
    ["contentBlockDelta", { delta: { reasoningContent: { text: "Tides " } } }],
    ["contentBlockDelta", { delta: { reasoningContent: { text: "turn." } } }],
    ["contentBlockDelta", { delta: { reasoningContent: { signature: "signed" } } }],
    ["contentBlockStart", { start: { toolUse: { toolUseId: "t1", name: "tide" } } }],
    ["contentBlockDelta", { delta: { toolUse: { input: "{}" } } }],
    ["messageStop", { stopReason: "tool_use" }],
    ["metadata", { usage: { inputTokens: 1, outputTokens: 2 } }],
  ),
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
      content: {
        role: "model",
        parts: [{ text: "Tides turn.", thought: true }, { text: "High." }],
      },
      finishReason: "STOP",
    }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
  }),
};

/** A server that keeps the requests. */
function serverOf(kind: Kind, name = "barnacle-script") {
  const bodies: Body[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const body = await new Response(init?.body).text();
    bodies.push(JSON.parse(body));
    return new Response(ANSWERS[kind], { headers: { "content-type": "text/event-stream" } });
  };
  const model = createModel({
    ...settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, { kind }),
    name,
  }, { fetch, now: () => 0 });
  const ask = (request: Partial<ModelRequest>) =>
    listen(model, undefined, { ...QUESTION, ...request });
  return { bodies, ask };
}

const TIDE = { name: "tide", description: "Tells the tide.", parameters: { type: "object" } };

describe("[K2] [L1] the level of thinking", () => {
  const levels: readonly [
    kind: Kind,
    field: (body: Body) => unknown,
    level: ThinkLevel,
    sent: unknown,
    name?: string,
  ][] = [
    ["openai-responses", (body) => body["reasoning"], "off", { effort: "none" }],
    ["openai-responses", (body) => body["reasoning"], "high", { effort: "high" }, "gpt-5.1"],
    ["bedrock", bedrockFields, "medium", {
      thinking: { type: "enabled", budget_tokens: 8_192 },
    }, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"],
    ["bedrock", bedrockFields, "off", {
      thinking: { type: "disabled" },
    }, "anthropic.claude-sonnet-4-5-20250929-v1:0"],
    ["bedrock", bedrockFields, "low", { reasoning_effort: "low" }, "openai.gpt-oss-120b-1:0"],
    ["bedrock", bedrockFields, "low", undefined, "meta.llama3-1-70b-instruct-v1:0"],
    ["openai-compatible", (body) => body["reasoning_effort"], "off", "none"],
    ["openai-compatible", (body) => body["reasoning_effort"], "high", "high"],
    ["anthropic", (body) => body["thinking"], "off", { type: "disabled" }],
    ["anthropic", (body) => body["thinking"], "medium", { type: "enabled", budget_tokens: 8_192 }],
    ["google", configOf, "off", { thinkingBudget: 0 }],
    ["google", configOf, "low", { thinkingBudget: 2_048 }],
  ];
  for (const [kind, field, level, sent, name] of levels) {
    it(`“${level}” reaches ${name ?? kind}`, async () => {
      const { ask, bodies } = serverOf(kind, name);
      const { error } = await ask({ thinking: level });
      assert.equal(error, undefined);
      assert.deepEqual(field(bodies[0] ?? {}), sent);
    });

    it(`is not in a request to ${name ?? kind} without one (${level})`, async () => {
      const { ask, bodies } = serverOf(kind, name);
      await ask({});
      assert.equal(field(bodies[0] ?? {}), undefined);
    });
  }

  for (
    const kind of [
      "openai-compatible",
      "openai-responses",
      "anthropic",
      "google",
      "bedrock",
    ] as const
  ) {
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

  it("goes back to Anthropic with its signature, before the calls of this turn alone", async () => {
    const { ask, bodies } = serverOf("anthropic");
    const { parts } = await ask({ thinking: "low", tools: [TIDE] });
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish" && last.calls);
    const [call] = last.calls;
    assert.ok(call);
    const turn = (call: ToolCall) =>
      [
        { role: "user", text: "tide?" },
        { role: "assistant", text: "", calls: [call] },
        { role: "tool", call, text: "high" },
      ] as const;
    await ask({ thinking: "low", tools: [TIDE], messages: [...turn(call), ...turn(call)] });
    assert.deepEqual(contentsOf(bodies.at(-1)), [
      ["tool_use"],
      ["thinking", "tool_use"],
    ]);
    assert.match(JSON.stringify(bodies.at(-1)), /"signature":"signed"/);
    assert.deepEqual(bodies.at(-1)?.["thinking"], { type: "enabled", budget_tokens: 2_048 });

    // Anthropic refuses thinking after calls that were made without it.
    const { signature: _, ...plain } = call;
    await ask({ thinking: "low", tools: [TIDE], messages: turn(plain) });
    assert.equal(bodies.at(-1)?.["thinking"], undefined);
  });

  it("goes back to OpenAI encrypted, before the calls that it led to", async () => {
    const { ask, bodies } = serverOf("openai-responses", "gpt-5.1");
    const { parts } = await ask({ tools: [TIDE] });
    assert.deepEqual(bodies[0]?.["include"], ["reasoning.encrypted_content"]);
    assert.equal(bodies[0]?.["store"], false);
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish" && last.calls);
    const [call] = last.calls;
    assert.ok(call);
    await ask({
      tools: [TIDE],
      messages: [
        { role: "user", text: "tide?" },
        { role: "assistant", text: "", calls: [call] },
        { role: "tool", call, text: "high" },
      ],
    });
    assert.deepEqual(bodies.at(-1)?.["input"], [
      { role: "user", content: "tide?" },
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" },
      { type: "function_call", call_id: "t1", name: "tide", arguments: "{}" },
      { type: "function_call_output", call_id: "t1", output: "high" },
    ]);
  });

  it("of one server never goes to another one's", async () => {
    const kinds = ["openai-responses", "anthropic", "bedrock"] as const;
    for (const from of kinds) {
      const { parts } = await serverOf(from, "anthropic.claude-sonnet-4").ask({
        thinking: "low",
        tools: [TIDE],
      });
      const last = parts.at(-1);
      assert.ok(last?.kind === "finish" && last.calls);
      const [call] = last.calls;
      assert.ok(call?.signature);
      const messages = [
        { role: "user", text: "tide?" },
        { role: "assistant", text: "", calls: [call] },
        { role: "tool", call, text: "high" },
      ] as const;
      for (const to of ["google", "openai-compatible", "openai-responses"] as const) {
        const { ask, bodies } = serverOf(to);
        const { error } = await ask({ tools: [TIDE], messages });
        assert.equal(error, undefined);
        if (to !== from) assert.doesNotMatch(JSON.stringify(bodies), /signed|sealed|Tides turn/);
      }
    }
  });

  it("goes back to Claude at Bedrock with its signature, as at Anthropic", async () => {
    const { ask, bodies } = serverOf("bedrock", "anthropic.claude-sonnet-4");
    const { parts } = await ask({ thinking: "low", tools: [TIDE] });
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish" && last.calls);
    const [call] = last.calls;
    assert.ok(call);
    await ask({
      thinking: "low",
      tools: [TIDE],
      messages: [
        { role: "user", text: "tide?" },
        { role: "assistant", text: "", calls: [call] },
        { role: "tool", call, text: "high" },
      ],
    });
    assert.match(
      JSON.stringify(bodies.at(-1)?.["messages"]),
      /"reasoningText":\{"text":"Tides turn.","signature":"signed"\}\}\},\{"toolUse"/,
    );
  });
});

/** The fields of a request to Bedrock that depend on the vendor. */
function bedrockFields(body: Body): unknown {
  return body["additionalModelRequestFields"];
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
