/** Tables of wrong requests of programs, with the words that their people see (O14). */

import assert from "node:assert/strict";
import { request as requestHttp } from "node:http";
import { describe, it } from "node:test";
import { CallRefused } from "../../../../src/core/programs/service.ts";
import { MAX_API_BODY_BYTES } from "../../../../src/extras/api/http/routes.ts";
import { AUTH, chat, serviceWith, TOKEN, user, withServer } from "./support.ts";

const levels = (count: number) => "[".repeat(count) + "]".repeat(count);
const keys = (count: number) => Array.from({ length: count }, (_, at) => `"k${at}":0`).join();
const QUESTION = '"model":"main","messages":[{"role":"user","content":"hi"}]';
const message = (written: unknown) => chat({ messages: [written] });
const response = (more: object) => ({ model: "main", input: "hi", ...more });

type Row = readonly [what: string, body: unknown, words: RegExp | "answered"];

const CHATS: readonly Row[] = [
  ["nothing", "", /^The body is not JSON$/],
  ["half a text", '{"model":"ma', /^The body is not JSON$/],
  ["500,000 levels", levels(500_000), /expected object, received array/],
  ["levels in a message", `{"model":"main","messages":[${levels(100_000)}]}`, /^messages\.0: /],
  [
    "levels in a text",
    `{"model":"main","messages":[{"role":"user","content":${levels(100_000)}}]}`,
    /^messages\.0\.content: expected a text, or a list of parts with type and text$/,
  ],
  ["levels in a field of no effect", `{${QUESTION},"metadata":${levels(400_000)}}`, "answered"],
  ["70,000 keys", `{${QUESTION},${keys(70_000)}}`, "answered"],
  ["keys of a prototype", `{"__proto__":{"model":"main"},"messages":[]}`, /^model: /],
  ["an endless number of answers", `{${QUESTION},"n":1e999}`, /^n: there is one answer/],
  [
    "huge numbers of no effect",
    `{${QUESTION},"max_tokens":1e999,"seed":${"9".repeat(300_000)}}`,
    "answered",
  ],
  ["half a character", user("\ud800"), "answered"],
  ["a number as model", chat({ model: 5 }), /^model: .*expected string, received number$/],
  ["a text as messages", chat({ messages: "x" }), /^messages: .*expected array, received string$/],
  ["a text as stream", chat({ stream: "yes" }), /^stream: .*expected boolean, received string$/],
  ["a number as stream options", chat({ stream_options: 5 }), /^stream_options: .*expected object/],
  ["a text as tools", chat({ tools: "x" }), /^tools: the agent has tools of its own/],
  ["a number as functions", chat({ functions: 5 }), /^functions: the agent has tools of its own/],
  ["a text as n", chat({ n: "1" }), /^n: there is one answer/],
  [
    "a text as form of the answer",
    chat({ response_format: "text" }),
    /^response_format: only text is possible$/,
  ],
  ["a text as modalities", chat({ modalities: "text" }), /^modalities: only text is possible$/],
  ["a number as sound", chat({ audio: 5 }), /^audio: only text is possible$/],
  ["a number as logprobs", chat({ logprobs: 1 }), /^logprobs: the agent's models tell none$/],
  ["null as a message", message(null), /^messages\.0: .*expected object, received null$/],
  ["a list as a message", message([]), /^messages\.0: .*expected object, received array$/],
  ["no role", message({ content: "x" }), /^messages\.0\.role: /],
  ["a number as role", message({ role: 5, content: "x" }), /^messages\.0\.role: .*expected string/],
  ["a number as type", message({ role: "user", content: "x", type: 5 }), /^messages\.0\.type: /],
  ["a number as content", user(5), /^messages\.0\.content: expected a text, or a list of parts/],
  ["an object as content", user({}), /^messages\.0\.content: expected a text, or a list of parts/],
  ["a number as a part", user([5]), /^messages\.0\.content: expected a text, or a list of parts/],
  [
    "a part without a type",
    user([{}]),
    /^messages\.0\.content: expected a text, or a list of parts/,
  ],
  [
    "a part without its text",
    user([{ type: "text" }]),
    /^messages\.0\.content: a text is missing$/,
  ],
  ["a number as text", user([{ type: "text", text: 5 }]), /^messages\.0\.content: expected a text/],
  ["no parts", user([]), /the last one must be a text of the user$/],
  ["a sound", user([{ type: "input_audio" }]), /only texts are possible, and no input_audio$/],
];

const RESPONSES: readonly Row[] = [
  ["a number as model", response({ model: 5 }), /^model: .*expected string/],
  [
    "an unknown agent",
    response({ model: "gpt-9" }),
    /^There is no agent "gpt-9" for this program; model is one of: main, reef$/,
  ],
  [
    "a number as input",
    response({ input: 5 }),
    /^input: expected a text, or a list of messages with role and content$/,
  ],
  ["an empty input", response({ input: "" }), /^input: the last one must be a text of the user$/],
  ["an empty list", response({ input: [] }), /^input: /],
  [
    "a result of a tool",
    response({ input: [{ type: "function_call_output", output: "x" }] }),
    /^input: expected a text, or a list/,
  ],
  [
    "an image",
    response({ input: [{ role: "user", content: [{ type: "input_image" }] }] }),
    /^input\.0\.content: only texts are possible, and no input_image$/,
  ],
  [
    "a reference",
    response({ input: [{ type: "item_reference", role: "user", content: "x" }] }),
    /^input\.0: item_reference is not possible here$/,
  ],
  ["a number as instructions", response({ instructions: 5 }), /^instructions: .*expected string/],
  ["a number as stream", response({ stream: 1 }), /^stream: .*expected boolean/],
  [
    "a number as the previous one",
    response({ previous_response_id: 5 }),
    /^previous_response_id: .*expected string/,
  ],
  [
    "no id as the previous one",
    response({ previous_response_id: "resp_abc" }),
    /^A response's id looks like resp_1442000000000000000$/,
  ],
  [
    "digits without an end",
    response({ previous_response_id: `resp_${"9".repeat(1_000)}` }),
    /^A response's id looks like/,
  ],
  ["an empty id", response({ previous_response_id: "" }), /^A response's id looks like/],
  [
    "a tool of OpenAI",
    response({ tools: [{ type: "web_search" }] }),
    /^tools: the agent has tools of its own/,
  ],
  [
    "a schema",
    response({ text: { format: { type: "json_schema" } } }),
    /^text: only the format text is possible$/,
  ],
  [
    "the background",
    response({ background: true }),
    /^background: ask without it, and read GET \/v1\/responses\/<id>$/,
  ],
  [
    "a conversation",
    response({ conversation: { id: "x" } }),
    /^conversation: continue by previous_response_id$/,
  ],
  ["a prompt", response({ prompt: { id: "x" } }), /^prompt: it is not possible here$/],
  [
    "wrong fields of no effect",
    response({ max_output_tokens: 1e300, store: "x", include: 5 }),
    "answered",
  ],
];

const rpc = (method: unknown, params?: unknown, id: unknown = 1) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});
const tool = (name: unknown, given: unknown) => rpc("tools/call", { name, arguments: given });
const ask = (more: object) => tool("ask", { question: "x", ...more });

const MCP: readonly (readonly [what: string, body: unknown, status: number, words: RegExp])[] = [
  ["no JSON", "{", 400, /The body is not JSON/],
  ["nothing", "", 400, /The body is not JSON/],
  ["null", null, 400, /not a valid JSON-RPC message/],
  ["a number", 5, 400, /not a valid JSON-RPC message/],
  ["an empty list", [], 400, /empty JSON-RPC batch/],
  ["5,000 requests in one", Array(5_000).fill(rpc("tools/list")), 400, /Batch must not exceed/],
  ["400,000 levels", levels(400_000), 400, /invalid message/],
  [
    "another version of JSON-RPC",
    { ...rpc("tools/list"), jsonrpc: "1.0" },
    400,
    /not a valid JSON-RPC/,
  ],
  ["a number as method", rpc(5), 400, /not a valid JSON-RPC message/],
  ["an object as id", rpc("tools/list", undefined, {}), 400, /not a valid JSON-RPC message/],
  ["a list as params", rpc("tools/list", []), 400, /not a valid JSON-RPC message/],
  ["an unknown method", rpc("x/y"), 200, /-32601.*Method not found/],
  ["an unknown tool", tool("nope", {}), 200, /Tool nope not found/],
  ["a tool of JavaScript", tool("constructor", {}), 200, /Tool constructor (?:not found|disabled)/],
  ["a number as tool", tool(5, {}), 200, /-32602/],
  ["a list as arguments", tool("ask", []), 200, /-32602/],
  ["no arguments", rpc("tools/call", { name: "ask" }), 200, /question: .*expected string/],
  ["a number as question", ask({ question: 5 }), 200, /question: .*expected string/],
  ["an empty question", ask({ question: "" }), 200, /question: Too small/],
  ["an endless question", ask({ question: "x".repeat(100_001) }), 200, /question: Too big/],
  [
    "levels as question",
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":${
      levels(100_000)
    }}}}`,
    200,
    /question: .*expected string/,
  ],
  ["a number as agent", ask({ agent: 5 }), 200, /agent: .*expected string/],
  ["a path as conversation", ask({ conversation: "../x" }), 200, /conversation: /],
  ["an endless wait", ask({ wait_sec: 1e9 }), 200, /wait_sec: Too big/],
  ["a wait of half a second", ask({ wait_sec: 0.5 }), 200, /wait_sec: .*expected int/],
  ["an empty key", ask({ key: "" }), 200, /key: Too small/],
  ["a number as id of a call", tool("answer", { id: 5 }), 200, /id: .*expected string/],
  [
    "no id of a call",
    tool("answer", { id: "9".repeat(50) }),
    200,
    /id: expected the digits that `ask` returned/,
  ],
  ["an endless list", tool("read", { channel: "x", limit: 1e99 }), 200, /limit: Too big/],
];

const MCP_HEADERS = { ...AUTH, Accept: "application/json, text/event-stream" };

const post = (url: string, body: unknown, headers: HeadersInit = AUTH) =>
  fetch(url, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("[O14] wrong requests of programs", () => {
  for (const [path, rows] of [["chat/completions", CHATS], ["responses", RESPONSES]] as const) {
    it(`get words in OpenAI's form at /v1/${path}, as a stream or not`, async () => {
      const { service, begun } = serviceWith();
      let asked = 0;
      await withServer(service, async (base, log) => {
        for (const [what, body, words] of rows) {
          const bodies = typeof body === "string" || Object.hasOwn(Object(body), "stream")
            ? [body]
            : [body, { ...Object(body), stream: true }];
          for (const one of bodies) {
            const answer = await post(`${base}/v1/${path}`, one);
            const text = await answer.text();
            if (words === "answered") {
              asked++;
              assert.equal(answer.status, 200, `${what}: ${text.slice(0, 200)}`);
              continue;
            }
            assert.ok(answer.status === 400 || answer.status === 404, what);
            const { error } = JSON.parse(text);
            assert.match(error.message, words, what);
            assert.doesNotMatch(error.message, /\n/, what);
            assert.equal(error.type, "invalid_request_error", what);
          }
        }
        assert.equal(begun.length, asked);
        assert.deepEqual(log.lines.filter(({ level }) => level !== "debug"), []);
      });
    });
  }

  it("get words in the form of MCP, and no stack", async () => {
    const { service, begun } = serviceWith();
    await withServer(service, async (base, log) => {
      for (const [what, body, status, words] of MCP) {
        const answer = await post(`${base}/mcp`, body, MCP_HEADERS);
        const text = await answer.text();
        assert.equal(answer.status, status, `${what}: ${text.slice(0, 200)}`);
        assert.match(text, words, what);
        assert.doesNotMatch(text, /\\n\s+at |\.ts:\d/, what);
      }
      const other = { ...MCP_HEADERS, "mcp-protocol-version": "1999-01-01" };
      assert.match(
        await (await post(`${base}/mcp`, rpc("tools/list"), other)).text(),
        /Unsupported protocol version: 1999-01-01/,
      );
      const { status } = await post(`${base}/mcp`, rpc("tools/list"), AUTH);
      assert.equal(status, 406);
      assert.deepEqual(begun, []);
      assert.deepEqual(log.lines.filter(({ level }) => level === "error"), []);
    });
  });

  it("get words if their body is too large, or does not announce its length", async () => {
    const { service, begun } = serviceWith();
    await withServer(service, async (base) => {
      for (const path of ["/v1/chat/completions", "/v1/responses", "/mcp"]) {
        assert.deepEqual(await rawPost(base + path, { "content-length": 10_000_000 }), {
          status: 413,
          message: `The body has 10000000 bytes; ${MAX_API_BODY_BYTES} are possible`,
        });
        assert.deepEqual(await rawPost(base + path, { "transfer-encoding": "chunked" }), {
          status: 411,
          message: "The body must announce its length",
        });
        const strange = { "content-length": 10_000_000, authorization: "Bearer x" };
        assert.equal((await rawPost(base + path, strange)).status, 401);
      }
      assert.deepEqual(begun, []);
    });
  });
});

/** Sends the beginning of a body, and reads the answer. */
function rawPost(url: string, headers: Record<string, string | number>) {
  const { promise, resolve, reject } = Promise.withResolvers<
    { readonly status: number | undefined; readonly message: string }
  >();
  const sent = requestHttp(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      ...headers,
    },
  }, (answer) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (part: string) => void (text += part));
    answer.on("end", () => {
      resolve({ status: answer.statusCode, message: JSON.parse(text).error.message });
      sent.destroy();
    });
  });
  sent.on("error", reject);
  sent.write("{");
  return promise;
}

describe("[O14] a program that reads an earlier answer", () => {
  const refused = new CallRefused(
    "too_many",
    "house may ask 300 times a minute for earlier answers",
  );
  const path = "/v1/responses/resp_1442000000000000000";
  const answer = tool("answer", { id: "1442000000000000000" });

  it("gets its agent with it", async () => {
    await withServer(serviceWith().service, async (base) => {
      const { model, status } = await (await fetch(base + path, { headers: AUTH })).json();
      assert.deepEqual([model, status], ["reef", "in_progress"]);
    });
  });

  it("is counted, and refused beyond its limit", async () => {
    let counted = 0;
    const { service } = serviceWith({ countRead: () => void counted++ });
    await withServer(service, async (base) => {
      await (await fetch(base + path, { headers: AUTH })).text();
      await (await post(`${base}/mcp`, answer, MCP_HEADERS)).text();
      await (await post(`${base}/mcp`, ask({}), MCP_HEADERS)).text();
      assert.equal(counted, 2);
    });
    const full = serviceWith({
      countRead() {
        throw refused;
      },
    });
    await withServer(full.service, async (base) => {
      const response = await fetch(base + path, { headers: AUTH });
      assert.equal(response.status, 429);
      assert.equal((await response.json()).error.message, refused.message);
      const result = await (await post(`${base}/mcp`, answer, MCP_HEADERS)).text();
      assert.ok(result.includes(refused.message), result);
    });
  });
});

describe("[O14] [SEC-R31] a fault of Barnacle during a request of MCP", () => {
  it("tells the client no details, and the log all", async () => {
    const fault = () => Promise.reject(new Error("secret path /x"));
    const { service } = serviceWith({ begin: fault, act: fault });
    await withServer(service, async (base, log) => {
      for (const body of [ask({}), tool("approvals", {})]) {
        const text = await (await post(`${base}/mcp`, body, MCP_HEADERS)).text();
        assert.match(text, /Internal error; see the log/);
        assert.doesNotMatch(text, /secret path/);
      }
      assert.equal(log.lines.filter(({ level }) => level === "error").length, 2);
    });
  });
});

describe("[O14] a fault of Barnacle during a stream", () => {
  for (const path of ["chat/completions", "responses"]) {
    it(`ends the stream of /v1/${path} with an error in words, and the log tells it`, async () => {
      const { service } = serviceWith({ wait: () => Promise.reject(new Error("secret path /x")) });
      await withServer(service, async (base, log) => {
        const body = path === "responses" ? response({ stream: true }) : chat({ stream: true });
        const text = await (await post(`${base}/v1/${path}`, body)).text();
        assert.match(text, /Internal error; see the log/);
        assert.doesNotMatch(text, /secret path|\[DONE\]/);
        assert.equal(log.lines.filter(({ level }) => level === "error").length, 1);
      });
    });
  }
});
