/** Tests the API for programs over real sockets: what bad clients get. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallRefused } from "../../../../src/core/programs/service.ts";
import { API_ROUTES } from "../../../../src/extras/api/http/routes.ts";
import { AUTH, chat, serviceWith, TOKEN, user, withServer } from "./support.ts";

/** Each wrong body of a chat completion, with the words that its person sees. */
const BODIES: readonly (readonly [what: string, body: unknown, status: number, words: RegExp])[] = [
  ["no JSON", "{", 400, /^The body is not JSON$/],
  ["a list", [], 400, /expected object/],
  ["null", null, 400, /expected object/],
  ["no model", { messages: [] }, 400, /^model: /],
  ["no messages", { model: "main" }, 400, /^messages: /],
  ["empty messages", chat({ messages: [] }), 400, /^messages: /],
  [
    "2,001 messages",
    chat({ messages: Array(2_001).fill({ role: "user", content: "x" }) }),
    400,
    /^messages: /,
  ],
  [
    "an unknown agent",
    chat({ model: "gpt-9" }),
    404,
    /^There is no agent "gpt-9" for this program; model is one of: main, reef$/,
  ],
  [
    "no question",
    chat({ messages: [{ role: "system", content: "x" }] }),
    400,
    /^messages: the last one must be a text of the user$/,
  ],
  [
    "an answer at the end",
    chat({ messages: [{ role: "user", content: "x" }, { role: "assistant", content: "y" }] }),
    400,
    /the last one must be a text of the user/,
  ],
  ["a blank question", user("   "), 400, /the last one must be a text of the user/],
  ["no content", user(null), 400, /^messages\.0\.content: a text is missing$/],
  [
    "an image",
    user([{ type: "image_url", image_url: { url: "x" } }]),
    400,
    /^messages\.0\.content: only texts are possible, and no image_url$/,
  ],
  [
    "a result of a tool",
    chat({ messages: [{ role: "tool", content: "x" }] }),
    400,
    /^messages\.0\.role: the roles are system, developer, user and assistant$/,
  ],
  ["tools", chat({ tools: [{ type: "function" }] }), 400, /^tools: the agent has tools of its own/],
  ["two answers", chat({ n: 2 }), 400, /^n: there is one answer/],
  [
    "JSON as answer",
    chat({ response_format: { type: "json_object" } }),
    400,
    /^response_format: only text is possible$/,
  ],
  ["sound", chat({ modalities: ["text", "audio"] }), 400, /^modalities: only text is possible$/],
  [
    "too many characters",
    user("x".repeat(400_001)),
    400,
    /^The texts have 400001 characters; 400000 are possible$/,
  ],
];

/** Requests that are refused before their body counts. */
const REQUESTS: readonly (readonly [
  what: string,
  path: string,
  init: RequestInit,
  status: number,
  words: RegExp,
])[] = [
  ["another path", "/v2/models", { headers: AUTH }, 404, /^Nothing is at this path$/],
  [
    "another method",
    "/v1/models",
    { method: "DELETE", headers: AUTH },
    405,
    /^This path takes GET$/,
  ],
  ["a preflight", "/v1/models", { method: "OPTIONS" }, 405, /^This path takes GET$/],
  ["no token", "/v1/models", {}, 401, /^The bearer token belongs to no program of api\.programs$/],
  [
    "a wrong token",
    "/v1/models",
    { headers: { Authorization: `Bearer ${TOKEN}x` } },
    401,
    /belongs to no program/,
  ],
  [
    "a token without its scheme",
    "/v1/models",
    { headers: { Authorization: TOKEN } },
    401,
    /belongs to no program/,
  ],
  [
    "a foreign origin",
    "/v1/models",
    { headers: { ...AUTH, Origin: "https://evil.example" } },
    403,
    /^Pages of other sites/,
  ],
  [
    "a cross-site request",
    "/v1/models",
    { headers: { ...AUTH, "Sec-Fetch-Site": "cross-site" } },
    403,
    /^Pages of other sites/,
  ],
  [
    "a form",
    "/v1/responses",
    {
      method: "POST",
      body: "a=b",
      headers: { ...AUTH, "Content-Type": "application/x-www-form-urlencoded" },
    },
    415,
    /^Content-Type must be application\/json$/,
  ],
  ["MCP without a token", "/mcp", { method: "POST", body: "{}" }, 401, /belongs to no program/],
  ["a GET of MCP", "/mcp", { headers: AUTH }, 405, /^This path takes POST$/],
  [
    "a long key",
    "/v1/responses",
    { method: "POST", body: "{}", headers: { ...AUTH, "Idempotency-Key": "k".repeat(256) } },
    400,
    /^Idempotency-Key: at most 255/,
  ],
  [
    "no id of a response",
    "/v1/responses/abc",
    { headers: AUTH },
    400,
    /^A response's id looks like/,
  ],
];

/** Fields that Open Responses requires of an answered response, by the type of their values. */
const REQUIRED = {
  string: "id object status model truncation service_tier tool_choice",
  number:
    "created_at completed_at top_p presence_penalty frequency_penalty top_logprobs temperature",
  boolean: "parallel_tool_calls store background",
  object: "output tools text usage metadata",
  null: "incomplete_details previous_response_id instructions error reasoning user " +
    "max_output_tokens max_tool_calls safety_identifier prompt_cache_key",
};

describe("[O14] [SEC-R31] [SEC-R35] the API for programs", () => {
  it("answers each wrong body with OpenAI's form of an error", async () => {
    const { service, begun } = serviceWith();
    await withServer(service, async (base, log) => {
      for (const [what, body, status, words] of BODIES) {
        const response = await fetch(`${base}/v1/chat/completions`, {
          method: "POST",
          headers: AUTH,
          body: typeof body === "string" ? body : JSON.stringify(body),
        });
        const { error } = await response.json();
        assert.equal(response.status, status, what);
        assert.match(error.message, words, what);
        assert.deepEqual(Object.keys(error).sort(), ["code", "message", "param", "type"], what);
        assert.equal(response.headers.get("x-should-retry"), "false", what);
      }
      assert.deepEqual(begun, []);
      assert.deepEqual(log.lines.filter(({ level }) => level === "error"), []);
    });
  });

  it("refuses requests before it reads their bodies, without CORS headers", async () => {
    const { service, begun } = serviceWith();
    await withServer(service, async (base) => {
      for (const [what, path, init, status, words] of REQUESTS) {
        const response = await fetch(base + path, init);
        assert.equal(response.status, status, what);
        assert.match((await response.json()).error.message, words, what);
        assert.equal(response.headers.get("access-control-allow-origin"), null, what);
      }
      assert.deepEqual(begun, []);
    });
  });

  it("tells a model by its id, and lists models with a slash at the end, too", async () => {
    await withServer(serviceWith().service, async (base) => {
      const listed = await fetch(`${base}/v1/models/`, { headers: AUTH });
      assert.equal((await listed.json()).object, "list");
      const read = async (id: string) => await fetch(`${base}/v1/models/${id}`, { headers: AUTH });
      assert.deepEqual(await (await read("reef")).json(), {
        id: "reef",
        object: "model",
        created: 0,
        owned_by: "barnacle",
      });
      const missing = await read("gpt-9");
      assert.equal(missing.status, 404);
      assert.equal((await missing.json()).error.code, "model_not_found");
    });
  });

  it("gives a response the fields that Open Responses requires, of their types", async () => {
    const usage = { inputTokens: 1, outputTokens: 2 };
    const { service } = serviceWith({
      wait: () => Promise.resolve({ kind: "answered", text: "yes", usage, finishedAt: 1_999 }),
    });
    await withServer(service, async (base) => {
      const response = await fetch(`${base}/v1/responses`, {
        method: "POST",
        headers: AUTH,
        body: JSON.stringify({ model: "main", input: "x" }),
      });
      const fields = await response.json();
      for (const [type, names] of Object.entries(REQUIRED)) {
        for (const name of names.split(" ")) {
          assert.ok(name in fields, name);
          assert.equal(fields[name] === null ? "null" : typeof fields[name], type, name);
        }
      }
      assert.deepEqual([fields.status, fields.completed_at], ["completed", 1]);
    });
  });

  it("has a row for each route, and a token for each row", () => {
    assert.deepEqual(new Set(API_ROUTES.map(({ auth }) => auth)), new Set(["program"]));
  });

  it("counts requests without a token in one line of the log", async () => {
    await withServer(serviceWith().service, async (base, log) => {
      for (let count = 0; count < 5; count++) await (await fetch(`${base}/v1/models`)).text();
      const lines = log.lines.filter(({ event }) => /no valid token/.test(event));
      assert.equal(lines.length, 1);
    });
  });

  const refusals: readonly (readonly [CallRefused, number, string | null])[] = [
    [new CallRefused("forbidden", "no"), 403, null],
    [new CallRefused("not_found", "no"), 404, null],
    [new CallRefused("invalid", "no"), 400, null],
    [new CallRefused("too_many", "no"), 429, "10"],
    [new CallRefused("too_many", "no", 42), 429, "42"],
    [new CallRefused("unavailable", "no"), 503, "10"],
  ];
  for (const [refused, status, retryAfter] of refusals) {
    it(`answers ${status}, Retry-After ${retryAfter}, if the service refuses a call as ${refused.kind}`, async () => {
      const { service } = serviceWith({ begin: () => Promise.reject(refused) });
      await withServer(service, async (base) => {
        for (const stream of [false, true]) {
          const body = JSON.stringify(chat({ stream }));
          const init = { method: "POST", headers: AUTH, body };
          const response = await fetch(`${base}/v1/chat/completions`, init);
          assert.equal(response.status, status);
          assert.equal(response.headers.get("retry-after"), retryAfter);
          assert.equal((await response.json()).error.message, "no");
        }
      });
    });
  }

  it("answers 503 if the account does not run, and 500 with no details for a fault", async () => {
    await withServer(undefined, async (base) => {
      const response = await fetch(`${base}/v1/models`, { headers: AUTH });
      assert.equal(response.status, 503);
    });
    const { service } = serviceWith({ begin: () => Promise.reject(new Error("secret path /x")) });
    await withServer(service, async (base, log) => {
      const init = { method: "POST", headers: AUTH, body: JSON.stringify(chat()) };
      const response = await fetch(`${base}/v1/chat/completions`, init);
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /secret path/);
      assert.equal(log.lines.filter(({ level }) => level === "error").length, 1);
    });
  });

  it("ends a stream of a failed call with an error, and a spent budget with 429", async () => {
    const failed = { kind: "failed", why: "the agent could not answer", isBudget: true } as const;
    const { service } = serviceWith({ wait: () => Promise.resolve(failed) });
    await withServer(service, async (base) => {
      const ask = (stream: boolean) =>
        fetch(`${base}/v1/chat/completions`, {
          method: "POST",
          headers: AUTH,
          body: JSON.stringify(chat({ stream })),
        });
      assert.equal((await ask(false)).status, 429);
      const text = await (await ask(true)).text();
      assert.match(text, /"error":\{.*"insufficient_quota"/);
      assert.doesNotMatch(text, /\[DONE\]/);
    });
  });

  for (const stream of [false, true]) {
    it(`tells the service if the client goes before the answer, ${stream ? "" : "not "}as a stream`, async () => {
      const gone = Promise.withResolvers<void>();
      const waiting = Promise.withResolvers<void>();
      const { service } = serviceWith({
        wait(_caller, _id, signal) {
          waiting.resolve();
          return new Promise((resolve) =>
            signal.addEventListener("abort", () => resolve({ kind: "open" }), { once: true })
          );
        },
        leave: () => Promise.resolve(gone.resolve()),
      });
      await withServer(service, async (base) => {
        const client = new AbortController();
        const asking = fetch(`${base}/v1/chat/completions`, {
          method: "POST",
          headers: AUTH,
          body: JSON.stringify(chat({ stream })),
          signal: client.signal,
        }).then((response) => response.text());
        asking.catch(() => {});
        await waiting.promise;
        client.abort();
        await gone.promise;
      });
    });
  }
});
