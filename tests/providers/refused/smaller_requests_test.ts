import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelImage, ModelRequest, ToolDefinition } from "../../../src/core/model.ts";
import type { Lesson } from "../../../src/providers/refused/lessons.ts";
import { refusedOf } from "../../../src/providers/refused/probe.ts";
import { withSmallerRequests } from "../../../src/providers/refused/smaller_requests.ts";
import { createModel } from "../../../src/providers/models.ts";
import type { ProviderSettings } from "../../../src/providers/settings.ts";
import { listen, QUESTION, settingsFor } from "../../support/model/model_server.ts";

/** The parts of a request that these servers judge. */
interface Body extends Readonly<Record<string, unknown>> {
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

/** A refusal: its message, or its status and body. */
type Refusal = string | readonly [status: number, body: object] | undefined;

const namesIn = ({ tools = [] }: Body) => tools.map((tool) => tool.function?.name);
const imagesIn = (body: Body) => JSON.stringify(body).match(/base64,\w+/g) ?? [];

/** An answer of a server with chat completions, and of one with Responses. */
const ANSWERS = {
  "/v1/chat/completions": {
    choices: [{ message: { content: "hello", plan_x: 1 }, finish_reason: "stop" }],
  },
  "/v1/responses": {
    object: "response",
    status: "completed",
    output: [{ type: "message", content: [{ type: "output_text", text: "hello" }] }],
  },
} as const;

function modelWith(
  rule: (body: Body, path: string, count: number) => Refusal,
  provider: Partial<ProviderSettings> = {},
) {
  const bodies: Body[] = [];
  const told: Lesson[] = [];
  let now = 0;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const body: Body = JSON.parse(await new Response(init?.body).text());
    const { pathname } = new URL(String(input));
    bodies.push(body);
    const refusal = rule(body, pathname, bodies.length);
    if (refusal === undefined) {
      return Response.json(
        ANSWERS[pathname === "/v1/responses" ? pathname : "/v1/chat/completions"],
      );
    }
    const [status, error] = typeof refusal === "string"
      ? [400, { error: { message: refusal } }]
      : refusal;
    return Response.json(error, { status });
  };
  const settings = settingsFor({ baseUrl: "http://127.0.0.1:9/v1" }, provider);
  const model = withSmallerRequests(
    createModel({ ...settings, maxOutputTokens: 9 }, { fetch, now: () => now }),
    { now: () => now, onRefused: (part) => told.push(part) },
  );
  return {
    model,
    bodies,
    told,
    parts: () => model.refused().map(({ part }) => part),
    pass: (ms: number) => void (now += ms),
    async ask(request: Partial<ModelRequest> = {}): Promise<number> {
      const before = bodies.length;
      const { text, error } = await listen(model, undefined, { ...QUESTION, ...request });
      assert.equal(error, undefined);
      assert.equal(text, "hello");
      return bodies.length - before;
    },
    async fail(request: Partial<ModelRequest> = {}): Promise<string> {
      const { error } = await listen(model, undefined, { ...QUESTION, ...request });
      assert.ok(error instanceof Error);
      return error.message;
    },
  };
}

const toolsOf = (...names: readonly string[]): readonly ToolDefinition[] =>
  names.map((name) => ({ name, description: name, parameters: { type: "object" } }));
const TOOLS = toolsOf("a", "b", "bad", "c", "d");
const picture = (byte: number): ModelImage => ({
  mediaType: "image/png",
  data: new Uint8Array(3).fill(byte),
});
const seeing = (...bytes: readonly number[]): Partial<ModelRequest> => ({
  messages: [{ role: "user", text: "hi", images: bytes.map(picture) }],
});
const GRAMMAR = "Failed to initialize samplers: failed to parse grammar";

describe("[L3] withSmallerRequests()", () => {
  it("leaves out a named tool at once, learned once, until its definition changes", async () => {
    const { ask, bodies, parts } = modelWith((body) =>
      namesIn(body).includes("bad") ? "Invalid schema for function 'bad'" : undefined
    );
    await Promise.all([ask({ tools: TOOLS }), ask({ tools: TOOLS })]);
    assert.equal(await ask({ tools: TOOLS }), 1);
    assert.deepEqual(bodies.slice(-3).map(namesIn), Array(3).fill(["a", "b", "c", "d"]));
    assert.deepEqual(parts(), ["the tool `bad`"]);
    await ask({ tools: [{ name: "bad", description: "mended", parameters: {} }] });
    assert.ok(bodies.some((body) => namesIn(body).join() === "bad"));
  });

  it("finds the tool that a server does not name, by clean requests", async () => {
    const { ask, bodies, parts, told } = modelWith((body) =>
      namesIn(body).includes("bad") ? GRAMMAR : undefined
    );
    const asked = await ask({ tools: TOOLS });
    assert.ok(asked <= 10, `${asked} requests`);
    assert.ok(bodies.slice(1, -1).every((body) => !JSON.stringify(body).includes("hello there")));
    assert.deepEqual(namesIn(bodies.at(-1) ?? {}), ["a", "b", "c", "d"]);
    assert.deepEqual([parts(), told.length], [["the tool `bad`"], 1]);
    assert.equal(await ask({ tools: TOOLS }), 1);
  });

  it("sends as many tools as a server names, and tells the others", async () => {
    const { ask, bodies, parts } = modelWith((body) =>
      namesIn(body).length > 3
        ? "Invalid 'tools': array too long. Expected an array with maximum length 3, but got 5."
        : undefined
    );
    assert.deepEqual([await ask({ tools: TOOLS }), await ask({ tools: TOOLS })], [2, 1]);
    assert.deepEqual(namesIn(bodies[2] ?? {}), ["a", "b", "bad"]);
    assert.deepEqual(parts(), ["the tools beyond the first 3: `c`, `d`"]);
  });

  it("leaves out one picture, which the model learns", async () => {
    const broken = Buffer.from(new Uint8Array(3).fill(2)).toString("base64");
    const { ask, bodies, parts } = modelWith((body) =>
      imagesIn(body).some((image) => image.endsWith(broken)) ? "Could not process image" : undefined
    );
    await ask(seeing(1, 2, 3));
    assert.equal(imagesIn(bodies.at(-1) ?? {}).length, 2);
    assert.match(JSON.stringify(bodies.at(-1)), /\[1 image: you see only the others\]/);
    assert.deepEqual([await ask(seeing(1, 2)), parts()], [1, []]);
  });

  it("sends the newest pictures to a server with a limit of their number", async () => {
    const { ask, bodies } = modelWith((body) =>
      imagesIn(body).length > 1 ? "At most 1 image(s) may be provided in one request." : undefined
    );
    assert.deepEqual([await ask(seeing(1, 2, 3)), await ask(seeing(3, 4)), await ask(seeing(1))], [
      7,
      1,
      1,
    ]);
    const shown = bodies.slice(-3).map((body) => imagesIn(body).join());
    const base64 = (byte: number) => `base64,${Buffer.from(picture(byte).data).toString("base64")}`;
    assert.deepEqual(shown, [3, 4, 1].map(base64));
  });

  it("answers beside more refused tools than one request finds", async () => {
    const names = Array.from({ length: 20 }, (_, at) => `bad${at}`);
    const { ask, parts } = modelWith((body) => {
      const [first] = namesIn(body).filter((name) => name.startsWith("bad"));
      return first && `Invalid schema for function '${first}'`;
    });
    const tools = toolsOf("a", ...names);
    assert.deepEqual([await ask({ tools }), await ask({ tools }), await ask({ tools })], [
      18,
      5,
      1,
    ]);
    assert.equal(parts().length, 20);
  });

  it("turns thinking off for tools where a server has no Responses", async () => {
    const { ask, bodies, parts } = modelWith((body, path) =>
      path === "/v1/responses"
        ? [404, {}]
        : "tools" in body && body["reasoning_effort"] !== "none"
        ? "Use /v1/responses or set reasoning_effort to 'none'"
        : undefined
    );
    assert.deepEqual([await ask({ tools: TOOLS }), await ask({ tools: TOOLS })], [3, 1]);
    assert.equal(namesIn(bodies.at(-1) ?? {}).length, 5);
    assert.deepEqual(parts(), ["thinking with tools"]);
  });

  it("leaves the fields of answers out if nothing else can be the reason", async () => {
    const { ask, bodies, parts, model } = modelWith((body) =>
      JSON.stringify(body["messages"]).includes("plan_x") ? "Bad Request" : undefined
    );
    const finish = (await listen(model)).parts.at(-1);
    assert.ok(finish?.kind === "finish" && finish.carried);
    const messages = [{ role: "assistant", text: "hello", carried: finish.carried }] as const;
    assert.deepEqual([await ask({ messages }), await ask({ messages })], [2, 1]);
    assert.match(JSON.stringify(bodies[1]), /plan_x/);
    assert.deepEqual(parts(), []);
  });

  const abilities: readonly [string, RegExp, Partial<ModelRequest>, string][] = [
    ["tools", /"tools"/, { tools: TOOLS }, "all tools"],
    ["images", /base64,/, seeing(1), "all images"],
    ["thinking", /reasoning_effort/, { thinking: "low" }, "the level of thinking `low`"],
  ];
  for (const [ability, sign, request, part] of abilities) {
    it(`finds by a probe that a model has no ${ability}, and asks again after ten minutes`, async () => {
      let isMended = false;
      const { ask, parts, pass, model } = modelWith((body) =>
        !isMended && sign.test(JSON.stringify(body))
          ? `this model does not support ${ability}`
          : undefined
      );
      assert.deepEqual([await ask(request), await ask(request), parts()], [3, 1, [part]]);
      pass(599_999);
      assert.deepEqual([await ask(request), parts()], [1, [part]]);
      pass(1);
      assert.deepEqual([await ask(request), parts()], [3, [part]]);
      isMended = true;
      pass(600_000);
      assert.deepEqual([await ask(request), parts()], [1, []]);
      assert.deepEqual(
        [model.takesNoTools, model.takesImages, model.refusedThinking?.size],
        [false, undefined, 0],
      );
    });
  }

  it("changes only the one request if the server takes the probes", async () => {
    const { ask, bodies, parts } = modelWith((body) =>
      "tools" in body && JSON.stringify(body).includes("tool_call_id")
        ? "tool_call_id must match a call of a tool"
        : undefined
    );
    const call = { id: "1", name: "a", arguments: "{}" };
    await ask({
      tools: TOOLS,
      messages: [
        { role: "user", text: "hi" },
        { role: "assistant", text: "", calls: [call] },
        { role: "tool", call, text: "done" },
      ],
    });
    await ask({ tools: TOOLS });
    assert.deepEqual([namesIn(bodies.at(-1) ?? {}).length, parts()], [5, []]);
  });

  it("asks again for a call that a server cannot read, and at last without tools", async () => {
    const refusal: Refusal = [400, {
      error: { message: "Failed to call", code: "tool_use_failed" },
    }];
    const once = modelWith((_body, _path, count) => count === 1 ? refusal : undefined);
    assert.deepEqual([await once.ask({ tools: TOOLS }), once.parts()], [2, []]);
    assert.deepEqual(once.bodies[0], once.bodies[1]);
    const always = modelWith((body) => "tools" in body ? refusal : undefined);
    assert.deepEqual([await always.ask({ tools: TOOLS }), always.parts()], [4, []]);
  });

  it("writes a field by another name, or leaves it out, for good", async () => {
    const { ask, bodies, parts } = modelWith((body) =>
      "max_tokens" in body
        ? "'max_tokens' is not supported. Use 'max_completion_tokens' instead."
        : "stream_options" in body
        ? "Unrecognized request argument supplied: stream_options"
        : undefined
    );
    assert.deepEqual([await ask(), await ask()], [3, 1]);
    assert.equal(bodies[3]?.["max_completion_tokens"], 9);
    assert.deepEqual(parts(), ["the field `max_tokens`", "the field `stream_options`"]);
  });

  it("never sends the fields that the config names, wherever they are", async () => {
    const omit = ["stream_options", "tool_call_id", "parameters"];
    const { ask, bodies } = modelWith(() => undefined, { omit });
    const call = { id: "1", name: "a", arguments: "{}" };
    await ask({
      tools: [{ name: "a", description: "", parameters: { stream_options: 1 } }],
      messages: [{ role: "user", text: "stream_options" }, { role: "tool", call, text: "x" }],
    });
    assert.deepEqual(bodies, [{
      model: "barnacle-script",
      max_tokens: 9,
      stream: true,
      tools: [{
        type: "function",
        function: { name: "a", description: "", parameters: { stream_options: 1 } },
      }],
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "stream_options" },
        { role: "tool", content: "x" },
      ],
    }]);
  });

  it("goes to Responses if the server wants that", async () => {
    const { ask, parts } = modelWith((body, path) =>
      path === "/v1/chat/completions" && "tools" in body
        ? "Function tools are not supported in /v1/chat/completions. Please use /v1/responses."
        : undefined
    );
    assert.deepEqual([await ask({ tools: TOOLS }), await ask({ tools: TOOLS })], [2, 1]);
    assert.deepEqual(parts(), ["chat completions"]);
    const absent = modelWith((body, path) =>
      path === "/v1/responses" ? [404, {}] : "tools" in body ? "Use /v1/responses" : undefined
    );
    assert.match(await absent.fail({ tools: TOOLS }), /Use \/v1\/responses/);
    assert.deepEqual(absent.parts(), []);
  });

  it("splits an answer with two calls, and joins the system prompt to the first message", async () => {
    const { ask, bodies } = modelWith(({ messages }) => {
      const all = JSON.stringify(messages);
      return all.includes('"role":"system"')
        ? "System role not supported"
        : all.includes('"id":"1"') && /"id":"1"[^\]]*"id":"2"/.test(all)
        ? "This model only supports single tool-calls at once!"
        : undefined;
    });
    const calls = ["1", "2"].map((id) => ({ id, name: "a", arguments: "{}" }));
    const results = calls.map((call) => ({ role: "tool", call, text: `done ${call.id}` }) as const);
    const messages = [{ role: "user", text: "hi" }, {
      role: "assistant",
      text: "I look.",
      calls,
    }] as const;
    assert.equal(await ask({ tools: TOOLS, messages: [...messages, ...results] }), 3);
    const sent = JSON.stringify(bodies.at(-1)?.["messages"]);
    assert.match(sent, /^\[\{"role":"user","content":"Be kind\.\\n\\nhi"/);
    assert.match(sent, /"content":"I look\.".*done 1.*"content":null.*done 2/);
  });

  it("understands a refusal within a stream", async () => {
    const error = { code: 400, message: "Invalid schema for function 'bad'" };
    const { ask, parts } = modelWith((body) =>
      namesIn(body).includes("bad")
        ? [200, { error }]
        : "stream_options" in body
        ? [200, { error: { ...error, message: "Unrecognized request argument: stream_options" } }]
        : undefined
    );
    assert.deepEqual([await ask({ tools: TOOLS }), await ask({ tools: TOOLS })], [3, 1]);
    assert.deepEqual(parts(), ["the tool `bad`", "the field `stream_options`"]);
  });

  const nothing: readonly [what: string, ...refusal: readonly [number, string]][] = [
    ["a 500", 500, "the tool router fails"],
    ["a 404", 404, "model 'tool' not found"],
    ["a text with the word", 400, "the tool is broken today"],
  ];
  for (const [what, status, message] of nothing) {
    it(`learns nothing from ${what} that no smaller request avoids`, async () => {
      let isDown = true;
      const { ask, fail, bodies, parts } = modelWith(() =>
        isDown ? [status, { error: { message } }] : undefined
      );
      assert.match(await fail({ tools: TOOLS }), new RegExp(`${status}: ${message}`));
      isDown = false;
      assert.deepEqual([await ask({ tools: TOOLS }), parts()], [1, []]);
      assert.equal(namesIn(bodies.at(-1) ?? {}).length, 5);
    });
  }
});

describe("[L3] refusedOf()", () => {
  it("finds the first refused part, or the end that makes the sum too large, with few requests", () =>
    fc.assert(fc.asyncProperty(fc.nat(128), fc.nat(127), fc.boolean(), async (count, at, isSum) => {
      const parts = Array.from({ length: count }, (_, part) => part);
      let asked = 0;
      const found = await refusedOf(parts, (some) => {
        asked++;
        return Promise.resolve(isSum ? some.length <= at : !some.some((part) => part >= at));
      });
      const isAlone = !isSum || at === 0;
      const left = parts.slice(at, isAlone ? at + 1 : count);
      assert.deepEqual(found, at >= count ? undefined : { at, left, isAlone });
      assert.ok(asked <= 10);
    })));
});
