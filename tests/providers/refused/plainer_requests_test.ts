import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage, ModelRequest, ToolDefinition } from "../../../src/core/model.ts";
import { withPlainerRequests } from "../../../src/providers/refused/plainer_requests.ts";
import { createModel } from "../../../src/providers/models.ts";
import { listen, settingsFor } from "../../support/model/model_server.ts";
import { cases } from "../../support/long_form.ts";

interface Body extends Readonly<Record<string, unknown>> {
  readonly tools?: readonly { readonly function: ToolDefinition }[];
  readonly messages: readonly Readonly<Record<string, unknown>>[];
}

const imagesIn = (body: Body) => JSON.stringify(body).match(/base64,[\w+/=]+/g) ?? [];
const namesIn = ({ tools = [] }: Body) => tools.map((tool) => tool.function.name);
const callsIn = ({ messages }: Body) => messages.filter((one) => "tool_calls" in one);

/** A reason for which a server refuses a request. It has no words. */
type Cause = (body: Body) => boolean;

const CAUSES: Readonly<Record<string, Cause>> = {
  ...Object.fromEntries(
    ["stream", "stream_options", "max_tokens", "reasoning_effort"].map((field) => [
      field,
      (body: Body) => field in body,
    ]),
  ),
  unstreamed: (body) => !("stream" in body),
  keyword: (body) => JSON.stringify(body.tools ?? []).includes("additionalProperties"),
  beside: (body) =>
    callsIn(body).some(({ content }) => typeof content === "string" && content !== ""),
  several: (body) =>
    callsIn(body).some(({ tool_calls: calls }) => Array.isArray(calls) && calls.length > 1),
  carried: (body) => JSON.stringify(body.messages).includes("plan_x"),
  system: ({ messages }) => messages.some(({ role }) => role === "system"),
  calls: ({ messages }) => messages.some(({ role }) => role === "tool"),
  tools: ({ tools }) => tools !== undefined,
  images: (body) => imagesIn(body).length > 0,
  picture: (body) => imagesIn(body).length > 1,
};

const toolOf = (name: string): ToolDefinition => ({
  name,
  description: name,
  parameters: { type: "object", properties: {}, additionalProperties: false },
});

/** How a server carries its refusals. */
const CARRIERS: readonly ((said: object, status: number) => Response)[] = [
  (said, status) => Response.json(said, { status }),
  (said) => Response.json(said),
  (said) => new Response(`event: error\ndata: ${JSON.stringify(said)}\n\n`),
  (said) => new Response(`data: ${JSON.stringify(said)}\n\n`),
];

const SAID: readonly object[] = [
  { error: { message: "Nope", code: 400 } },
  { error: { message: "Nope", code: null, type: "invalid_request_error" } },
  { code: 422, msg: "Nope" },
  { detail: [{ loc: ["body"], msg: "Nope" }] },
  { error: "Nope" },
];

function serverWith(
  causes: readonly Cause[],
  refuse = (said: string) => Response.json({ error: { message: said } }, { status: 400 }),
  said = "Nope",
) {
  const bodies: Body[] = [];
  let time = 0;
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const body: Body = JSON.parse(await new Response(init?.body).text());
    bodies.push(body);
    if (causes.some((isRefused) => isRefused(body))) return refuse(said);
    const message = { content: "hello", plan_x: "as it came" };
    return Response.json({ choices: [{ message, finish_reason: "stop" }] });
  };
  const now = () => time;
  const settings = { ...settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }), maxOutputTokens: 9 };
  const model = withPlainerRequests(createModel(settings, { fetch, now }), { now });
  return {
    bodies,
    model,
    pass: (ms: number) => void (time += ms),
    /** @returns How many requests it took. */
    async ask(request: ModelRequest): Promise<number> {
      const before = bodies.length;
      const { text, error } = await listen(model, undefined, { ...request });
      assert.equal(error, undefined);
      assert.equal(text, "hello");
      return bodies.length - before;
    },
  };
}

const picture = (byte: number) => ({
  mediaType: "image/png",
  data: new Uint8Array(3).fill(byte),
});

/** A request with all that a server may refuse. */
async function richRequest(toolCount: number): Promise<ModelRequest> {
  const { model } = serverWith([]);
  const finish = (await listen(model)).parts.at(-1);
  assert.ok(finish?.kind === "finish" && finish.carried);
  const calls = ["a", "b"].map((id) => ({ id, name: "tool0", arguments: "{}" }));
  const results = calls.map((call): ModelMessage => ({ role: "tool", call, text: "done" }));
  return {
    system: "Be kind.",
    messages: [
      { role: "user", text: "Hi.", images: [picture(1), picture(2)] },
      { role: "assistant", text: "I look.", calls, carried: finish.carried },
      ...results,
    ],
    tools: Array.from({ length: toolCount }, (_, at) => toolOf(`tool${at}`)),
    thinking: "low",
  };
}

describe("[L3] withPlainerRequests()", () => {
  it("ends no turn for a request that a plainer form satisfies, and learns that form", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...Object.keys(CAUSES)), { minLength: 1, maxLength: 2 }),
        fc.uniqueArray(fc.nat(39), { maxLength: 2 }),
        fc.constantFrom(...CARRIERS),
        fc.constantFrom(...SAID),
        async (names, badTools, carry, said) => {
          fc.pre(!names.includes("unstreamed") || !names.includes("stream"));
          const causes = names.map((name) => CAUSES[name] ?? (() => false));
          const isBad = (body: Body) => badTools.some((at) => namesIn(body).includes(`tool${at}`));
          const { ask, bodies } = serverWith([...causes, isBad], () => carry(said, 400));
          const request = await richRequest(40);
          let tries = 0;
          for (let at = 0; at < 30; at++) {
            tries = await ask(request);
            assert.ok(tries <= 9, `${tries} requests`);
          }
          assert.equal(tries, 1, "it asks again and again");
          const last = bodies.at(-1);
          assert.ok(last);
          // Words would tell tools and pictures apart.
          const isPlain = ["tools", "images", "picture"].some((name) => names.includes(name));
          if (names.length + badTools.length < (isPlain ? 2 : 3) && names[0] !== "tools") {
            assert.equal(namesIn(last).length, 40 - badTools.length, names.join());
          }
        },
      ),
      { numRuns: cases(60, 1_000) },
    ));

  it("tries again after ten minutes, then after longer times, until the cause is gone", async () => {
    const causes = [CAUSES["system"] ?? (() => false)];
    const { ask, model, pass } = serverWith(causes);
    const request: ModelRequest = { system: "Be kind.", messages: [{ role: "user", text: "hi" }] };
    assert.deepEqual([await ask(request) > 1, await ask(request)], [true, 1]);
    pass(599_999);
    assert.equal(await ask(request), 1);
    pass(1);
    assert.deepEqual([await ask(request), await ask(request)], [2, 1]);
    pass(600_000);
    assert.equal(await ask(request), 1);
    causes.pop();
    pass(600_000);
    assert.equal(await ask(request), 1);
    assert.deepEqual(model.refused(), []);
  });

  it("tells what helped, with the server's reason and the time", async () => {
    const isBad = (body: Body) => namesIn(body).includes("mcp__crm__find");
    const { ask, model, pass } = serverWith([isBad]);
    pass(5);
    const tools = [
      ...Array.from({ length: 7 }, (_, at) => toolOf(`t${at}`)),
      toolOf("mcp__crm__find"),
    ];
    const messages = [{ role: "user", text: "hi" }] as const;
    for (let at = 0; at < 5; at++) await ask({ system: "", messages, tools });
    const [told] = model.refused();
    assert.equal(told?.part, "the tool `mcp__crm__find`");
    assert.match(`${told?.reason} ${told?.fix} ${told?.at}`, /Nope correct the schema .* 5$/);
  });

  const words: readonly [words: string, cause: Cause, requests: number][] = [
    ["Invalid schema for function 'bad'", (body) => namesIn(body).includes("bad"), 2],
    ["tools.1.custom.input_schema: no", (body) => namesIn(body).includes("bad"), 2],
    ["Maximum length is 2 tools", ({ tools = [] }) => tools.length > 2, 2],
    ["Use 'max_completion_tokens', not 'max_tokens'", (body) => "max_tokens" in body, 2],
    ["Your organization may not use this to stream", (body) => "stream" in body, 2],
    ["Unrecognized: stream_options", (body) => "stream_options" in body, 2],
  ];
  for (const [said, cause, requests] of words) {
    it(`takes the first step from “${said}”`, async () => {
      const { ask } = serverWith([cause], undefined, said);
      const tools = ["a", "bad", "c"].map(toolOf);
      const request = { system: "", messages: [{ role: "user", text: "hi" }], tools } as const;
      assert.deepEqual([await ask(request), await ask(request)], [requests, 1]);
    });
  }

  const final: readonly [what: string, status: number, said: object][] = [
    ["a wrong key", 401, { error: { message: "tools" } }],
    ["a limit", 429, { error: { message: "too many tool calls" } }],
    ["an unknown model", 404, { error: "model 'tool' not found" }],
    ["a filter", 400, { error: { message: "tools", code: "content_filter" } }],
  ];
  for (const [what, status, said] of final) {
    it(`does not ask again after ${what}, whose cause is certain`, async () => {
      const { model, bodies } = serverWith([() => true], () => Response.json(said, { status }));
      const { error } = await listen(model, undefined, await richRequest(3));
      assert.ok(error instanceof Error);
      assert.equal(bodies.length, 1);
    });
  }

  it("gives up after nine requests with the first reason, and learns nothing", async () => {
    const causes: Cause[] = [() => true];
    const { model, bodies, ask } = serverWith(causes);
    const request = await richRequest(40);
    const { error } = await listen(model, undefined, request);
    assert.match(String(error), /Nope/);
    assert.equal(bodies.length, 9);
    causes.pop();
    assert.equal(await ask(request), 1);
    assert.equal(namesIn(bodies.at(-1) ?? { messages: [] }).length, 40);
  });
});
