import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage, ModelRequest, ToolDefinition } from "../../../src/core/model.ts";
import { withRetry } from "../../../src/providers/choice/fallbacks.ts";
import { withPlainerRequests } from "../../../src/providers/refused/plainer_requests.ts";
import { createModel } from "../../../src/providers/models.ts";
import type { ProviderSettings } from "../../../src/providers/settings.ts";
import { fakeFetch, listen, restoreFetch, settingsFor } from "../../support/model/model_server.ts";
import { cases } from "../../support/long_form.ts";

afterEach(restoreFetch);

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

/** What else a form without the cause leaves out. */
const WITH: Readonly<Record<string, readonly string[]>> = {
  stream: ["stream_options"],
  stream_options: ["reasoning_effort"],
  reasoning_effort: ["stream_options"],
  carried: ["beside", "several"],
  beside: ["several", "carried"],
  several: ["beside", "carried"],
  calls: ["beside", "several", "carried"],
  tools: ["keyword", "beside", "several", "carried", "calls"],
  images: ["picture"],
};

const toolOf = (name: string): ToolDefinition => ({
  name,
  description: name,
  parameters: { type: "object", properties: {}, additionalProperties: false },
});

const html = (title: string) => `<!doctype html><title>${title}</title><body>no`;

/** How a server carries its refusals. */
const CARRIERS: readonly ((said: object, status: number) => Response)[] = [
  (said, status) => Response.json(said, { status }),
  (_, status) => new Response("", { status }),
  (_, status) => new Response('{"error": {"mess', { status }),
  (said, status) => new Response(html(JSON.stringify(said)), { status }),
  (said, status) => new Response(JSON.stringify(said), { status: status + 15 }),
  (said) => Response.json(said, { status: 500 }),
  () => Response.json({}),
  () => Response.json(null),
  () => Response.json({ choices: [], usage: {} }),
  () => new Response(""),
  () => new Response("Sorry"),
  () => new Response("data: [DONE]\n\n"),
  () => new Response("event: error\ndata: Sorry\n\n"),
  (said) => Response.json(said),
  (said) => new Response(`event: error\ndata: ${JSON.stringify(said)}\n\n`),
  (said) => new Response(`data: ${JSON.stringify(said)}\n\n`),
];

/** Words that name nothing, and wrong ones. */
const WORDS = ["Nope", "", "Ungültig", "无效请求", "tools", "images", "max_tokens", "thinking"];

const SAID: readonly ((words: string) => object)[] = [
  (message) => ({ error: { message, code: 400 } }),
  (message) => ({ error: { message, code: null, type: "invalid_request_error" } }),
  (msg) => ({ code: 422, msg }),
  (msg) => ({ detail: [{ loc: ["body"], msg }] }),
  (error) => ({ error: error || "?" }),
];

function serverWith(
  causes: readonly Cause[],
  refuse = (said: string) => Response.json({ error: { message: said } }, { status: 400 }),
  said = "Nope",
) {
  const bodies: Body[] = [];
  let time = 0;
  fakeFetch(async (_, init) => {
    const body: Body = JSON.parse(await new Response(init?.body).text());
    bodies.push(body);
    if (causes.some((isRefused) => isRefused(body))) return refuse(said);
    const message = { content: "hello", plan_x: "as it came" };
    return Response.json({ choices: [{ message, finish_reason: "stop" }] });
  });
  const now = () => time;
  const settings = { ...settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }), maxOutputTokens: 9 };
  const fitted = withPlainerRequests(createModel(settings), { now });
  const asked = withRetry(fitted, { sleep: () => Promise.resolve(), random: () => 0 });
  return {
    bodies,
    model: fitted,
    pass: (ms: number) => void (time += ms),
    /** @returns How many requests it took. */
    async ask(request: ModelRequest): Promise<number> {
      const before = bodies.length;
      const { text, error } = await listen(asked, undefined, { ...request });
      assert.equal(error, undefined);
      assert.equal(text, "hello");
      return bodies.length - before;
    },
  };
}

const picture = (byte: number) => ({ mediaType: "image/png", data: new Uint8Array(3).fill(byte) });

/** A request with all that a server may refuse. */
async function richRequest(toolCount: number): Promise<ModelRequest> {
  const { fetch } = globalThis;
  const { model } = serverWith([]);
  const finish = (await listen(model)).parts.at(-1);
  fakeFetch(fetch); // that of the test
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
        fc.uniqueArray(fc.constantFrom(...Object.keys(CAUSES)), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...CARRIERS),
        fc.constantFrom(...SAID),
        fc.constantFrom(...WORDS),
        async (names, carry, said, words) => {
          fc.pre(!names.includes("unstreamed") || !names.includes("stream"));
          const causes = names.map((name) => CAUSES[name] ?? (() => false));
          const { ask, bodies } = serverWith(causes, () => carry(said(words), 400));
          const request = await richRequest(40);
          let tries = 0;
          for (let at = 0; at < 40; at++) {
            tries = await ask(request);
            assert.ok(tries <= 9, `${tries} requests`);
          }
          assert.equal(tries, 1, "it asks again and again");
          const last = bodies.at(-1);
          assert.ok(last);
          // All that the server takes is there again.
          const gone = new Set(names.flatMap((name) => [name, ...WITH[name] ?? []]));
          for (const [name, isIn] of Object.entries(CAUSES)) {
            assert.ok(name === "unstreamed" || gone.has(name) || isIn(last), `without ${name}`);
          }
          if (!gone.has("tools")) assert.equal(namesIn(last).length, 40);
        },
      ),
      { numRuns: cases(60, 1_000) },
    ));

  const GOOD: Readonly<Record<ProviderSettings["kind"], object>> = {
    "openai-compatible": { choices: [{ message: { content: "hello" }, finish_reason: "stop" }] },
    "openai-responses": {
      status: "completed",
      output: [{ type: "message", content: [{ type: "output_text", text: "hello" }] }],
    },
    google: [{ candidates: [{ content: { parts: [{ text: "hello" }] }, finishReason: "STOP" }] }],
    anthropic: [
      { type: "message_start", message: { type: "message", role: "assistant", content: [] } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" } },
      { type: "message_stop" },
    ],
  };
  const OF: Readonly<Record<string, readonly string[]>> = {
    tools: ["keyword", "results"],
    images: ["picture"],
  };
  const PARTS: Readonly<Record<string, RegExp>> = {
    tools: /"tools":\[\{/,
    keyword: /additionalProperties/,
    system: /"role":"system"|"system":|"systemInstruction":|"instructions":"/,
    results: /"role":"tool"|tool_result|functionResponse|function_call_output/,
    picture: /AQEB/,
    images: /AQEB|AgIC/,
  };

  const eventOf = (value: object) => `data: ${JSON.stringify(value)}\n\n`;

  it("does so in all formats, over any refusal", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(GOOD) as (keyof typeof GOOD)[]),
        fc.uniqueArray(fc.constantFrom(...Object.keys(PARTS)), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...CARRIERS),
        fc.constantFrom(...WORDS),
        async (kind, names, carry, words) => {
          const bodies: string[] = [];
          const isRefused = (body: string) => names.some((name) => PARTS[name]?.test(body));
          fakeFetch(async (_, init) => {
            const body = await new Response(init?.body).text();
            bodies.push(body);
            return isRefused(body)
              ? carry({ error: { message: words, code: 400 } }, 400)
              : kind === "anthropic"
              ? new Response([GOOD[kind]].flat().map(eventOf).join(""))
              : Response.json(GOOD[kind]);
          });
          const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, { kind });
          const now = () => 0;
          const model = withRetry(
            withPlainerRequests(createModel(settings), { now }),
            { sleep: () => Promise.resolve(), random: now },
          );
          const request = await richRequest(9);
          for (let at = 0; at < 20; at++) {
            const before = bodies.length;
            const { text, error } = await listen(model, undefined, { ...request });
            assert.deepEqual([text, error], ["hello", undefined], `${at}`);
            assert.ok(bodies.length - before <= 9);
          }
          const gone = new Set([...names, ...names.flatMap((name) => OF[name] ?? [])]);
          for (const [name, part] of Object.entries(PARTS)) {
            assert.equal(part.test(bodies.at(-1) ?? ""), !gone.has(name), name);
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

  it("leaves out new tools alone, and tells what helped, with the server's reason and the time", async () => {
    const isBad = (body: Body) => namesIn(body).includes("mcp__crm__find");
    const { ask, model, bodies, pass } = serverWith([isBad]);
    pass(5);
    const tools = Array.from({ length: 7 }, (_, at) => toolOf(`t${at}`));
    const messages = [{ role: "user", text: "hi" }] as const;
    const more = [...tools, toolOf("mcp__crm__find")];
    assert.equal(await ask({ system: "", messages, tools }), 1);
    assert.equal(await ask({ system: "", messages, tools: more }), 2);
    assert.equal(namesIn(bodies.at(-1) ?? { messages: [] }).length, 7);
    const [told] = model.refused();
    assert.equal(told?.part, "the tool `mcp__crm__find`");
    assert.match(`${told?.reason} ${told?.fix} ${told?.at}`, /Nope correct the schema .* 5$/);
  });

  it("tells a next step for a field that the config cannot leave out", async () => {
    const { ask, model } = serverWith([(body) => "stream_options" in body]);
    await ask({ system: "", messages: [{ role: "user", text: "hi" }] });
    const steps = model.refused().map(({ fix }) => fix);
    assert.deepEqual(steps, ["update the server, or choose another model"]);
  });

  for (const place of [0, 3, 7]) {
    it(`finds the one bad tool, number ${place + 1} of eight, though no request with tools was answered`, async () => {
      const isBad = (body: Body) => namesIn(body).includes("bad");
      const { ask, model, bodies, pass } = serverWith([isBad]);
      const tools = Array.from({ length: 8 }, (_, at) => toolOf(at === place ? "bad" : `t${at}`));
      const request: ModelRequest = { system: "", messages: [{ role: "user", text: "hi" }], tools };
      for (let days = 0; days < 6; days++) {
        pass(86_400_000);
        for (let at = 0; at < 4; at++) await ask(request);
      }
      assert.deepEqual(namesIn(bodies.at(-1) ?? { messages: [] }).length, 7);
      assert.deepEqual(model.refused().map(({ part }) => part), ["the tool `bad`"]);
      assert.equal(model.takesNoTools, false);
    });
  }

  const withPictures = (...bytes: number[]): ModelRequest => ({
    system: "Be kind.",
    messages: [{ role: "user", text: "hi", images: bytes.map(picture) }],
    tools: [toolOf("a")],
  });

  it("suspects only what is new, and takes a picture for a broken one", async () => {
    const { ask, model, bodies } = serverWith([(body) => /BwcH/.test(imagesIn(body).join())]);
    await ask(withPictures());
    assert.equal(await ask(withPictures(7)), 2);
    assert.deepEqual([await ask(withPictures(7)), await ask(withPictures(7, 8))], [1, 1]);
    assert.equal(imagesIn(bodies.at(-1) ?? { messages: [] }).length, 1);
    assert.equal(namesIn(bodies.at(-1) ?? { messages: [] }).length, 1);
    assert.notEqual(model.takesImages, false);
  });

  it("counts images as an ability that is missing after two", async () => {
    const { ask, model } = serverWith([CAUSES["images"] ?? (() => false)]);
    await ask(withPictures());
    for (const at of [1, 2]) {
      assert.notEqual(model.takesImages, false);
      assert.equal(await ask(withPictures(at)), 2);
    }
    assert.equal(model.takesImages, false);
    assert.match(model.refused()[0]?.part ?? "", /all images/);
  });

  it("keeps the newest picture if their number is the cause", async () => {
    const { ask, bodies } = serverWith([CAUSES["picture"] ?? (() => false)]);
    await ask(withPictures(1));
    for (const at of [2, 3, 4]) {
      const all = Array.from({ length: at }, (_, index) => index + 1);
      assert.equal(await ask(withPictures(...all)), 2);
      const [seen] = imagesIn(bodies.at(-1) ?? { messages: [] });
      assert.equal(seen, `base64,${Buffer.from(picture(at).data).toString("base64")}`);
    }
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

  const lacking = [
    "gemma3:4b does not support tools",
    '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    "No endpoints found that support tool use.",
    "Function calling is not enabled for models/gemma",
  ];
  for (const said of lacking) {
    it(`knows after two requests that “${said}” is of all tools`, async () => {
      const isRefused = CAUSES["tools"] ?? (() => false);
      const { ask, model } = serverWith([isRefused], undefined, said);
      const request = {
        ...await richRequest(40),
        messages: [{ role: "user", text: "hi" }],
      } as const;
      assert.deepEqual([await ask(request), await ask(request)], [2, 1]);
      assert.equal(model.takesNoTools, true);
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

  for (const ms of [10, 5_000, 15_000, 45_000]) {
    for (const statuses of [[400], [500], [400, 429]]) {
      it(`asks nine times and a minute at most: ${statuses.join(", ")} after ${ms} ms`, async () => {
        let time = 0;
        const begun: number[] = [];
        fakeFetch(() => {
          begun.push(time);
          time += ms;
          const status = statuses[(begun.length - 1) % statuses.length] ?? 400;
          return Promise.resolve(Response.json({ error: { message: "Nope" } }, { status }));
        });
        const now = () => time;
        const sleep = (wait: number) => Promise.resolve(void (time += wait));
        const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" });
        const plainer = withPlainerRequests(createModel(settings), { now });
        const model = withRetry(plainer, { sleep, random: () => 0 });
        const { error } = await listen(model, undefined, await richRequest(40));
        assert.match(String(error), /Nope/);
        assert.ok(begun.length <= 9, `${begun.length} requests`);
        assert.ok((begun.at(-1) ?? 0) < 60_000, `the last began after ${begun.at(-1)} ms`);
      });
    }
  }

  it("gives up with the first reason once all is left out, and learns nothing", async () => {
    const causes: Cause[] = [() => true];
    const { model, bodies, ask } = serverWith(causes);
    const request = await richRequest(40);
    const { error } = await listen(model, undefined, request);
    assert.match(String(error), /Nope/);
    assert.equal(bodies.length, 7);
    causes.pop();
    assert.equal(await ask(request), 1);
    assert.equal(namesIn(bodies.at(-1) ?? { messages: [] }).length, 40);
  });
});
