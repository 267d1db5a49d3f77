import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelErrorKind } from "../../src/core/model.ts";
import {
  brokenAnswerOf,
  cleanServerMessage,
  readEventBody,
  REASON_MAX,
  refusalOf,
} from "../../src/providers/failures.ts";
import { anyCharacter } from "../support/any_character.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const KEY = "sk-canary-0123456789";

const refused = (status: number, body = "", headers: Record<string, string> = {}) =>
  refusalOf({ status, headers: new Headers(headers), body }, "p/m", [KEY], NOW);

describe("[L3] refusalOf()", () => {
  const kinds: readonly [status: number, kind: ModelErrorKind][] = [
    [301, "redirected"],
    [307, "redirected"],
    [400, "rejected"],
    [401, "unauthorized"],
    [402, "quota"],
    [403, "unauthorized"],
    [404, "not_found"],
    [408, "unavailable"],
    [413, "context_length"],
    [422, "rejected"],
    [429, "rate_limited"],
    [500, "server_error"],
    [502, "unavailable"],
    [503, "unavailable"],
    [529, "unavailable"],
  ];
  for (const [status, kind] of kinds) {
    it(`classifies ${status} as ${kind}`, () => assert.equal(refused(status).kind, kind));
  }

  const byWords: readonly [status: number, body: string, kind: ModelErrorKind, type?: string][] = [
    // refusals of a conversation
    [400, '{"error":{"message":"no","code":"content_filter"}}', "filtered"],
    [400, '{"error":{"message":"no","code":"content_policy_violation"}}', "filtered"],
    [400, '{"error":{"message":"no","code":"data_inspection_failed"}}', "filtered"],
    [403, '{"error":{"code":403,"metadata":{"reasons":["x"],"flagged_input":"y"}}}', "filtered"],
    [403, '{"error":{"message":"no","code":403}}', "unauthorized"],
  ];
  for (const [status, body, kind, type] of byWords) {
    it(`classifies ${status} ${body.slice(0, 60)} as ${kind}`, () => {
      const headers: Record<string, string> = type ? { "x-amzn-errortype": type } : {};
      assert.equal(refused(status, body, headers).kind, kind);
    });
  }

  const bodies: readonly [form: string, body: string, message: string][] = [
    ["OpenAI's form", '{"error":{"message":"no such model","type":"x"}}', ": no such model"],
    ["Anthropic's", '{"type":"error","error":{"type":"x","message":"no key"}}', ": no key"],
    ["Ollama's", '{"error":"model not found"}', ": model not found"],
    ["a bare message", '{"message":"nope"}', ": nope"],
    ["a detail", '{"detail":"nope"}', ": nope"],
    [
      "FastAPI's form",
      '{"detail":[{"loc":["body","tools",0],"msg":"no tools","input":"q"}]}',
      ": body.tools.0: no tools",
    ],
    ["an object as detail", '{"detail":{"error":{"message":"nope"},"type":"x"}}', ": nope"],
    ["a list of errors", '{"errors":[{"message":"one"},"two"]}', ": one; two"],
    ["errors by field", '{"errors":{"model":["is unknown"]}}', ": is unknown"],
    ["a short message", '{"msg":"nope","ret":1}', ": nope"],
    ["OAuth", '{"error":"invalid","error_description":"it is old"}', ": invalid: it is old"],
    [
      "OpenRouter's provider",
      '{"error":{"message":"Provider returned error","metadata":{"raw":"{\\"error\\":{\\"message\\":\\"too hot\\"}}"}}}',
      ": Provider returned error: too hot",
    ],
    ["a text", "upstream connect error\n", ": upstream connect error"],
    ["a page's title", "<html><head><title>502 Bad Gateway</title>", ": 502 Bad Gateway"],
    ["a page", "<html>Bad Gateway</html>", ""],
    ["half of a body", '{"error":{"mess', ""],
    ["nothing", "", ""],
    ["null", "null", ""],
    ["a list", "[1]", ""],
  ];
  for (const [form, body, message] of bodies) {
    it(`repeats the server's message from ${form}`, () => {
      assert.equal(refused(500, body).message, `p/m answered 500${message}`);
    });
  }

  it("cuts the message at 300 characters, and blanks secrets in it", () => {
    const { said = "" } = refused(
      422,
      JSON.stringify({ detail: [{ msg: `${KEY} ${"x".repeat(400)}` }] }),
    );
    assert.match(said, /^\[secret\] x{290}…$/);
  });

  it("reads any body", () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
      assert.ok((refused(400, body).said ?? "").length <= REASON_MAX);
    }));
  });

  const memory = [
    "model requires more system memory (5.6 GiB) than is available (3.1 GiB)",
    "CUDA error: out of memory",
    "llama runner process has terminated: signal: killed",
    "Model loading was stopped due to insufficient system resources.",
    "unable to allocate CUDA0 buffer",
  ];
  for (const error of memory) {
    it(`finds too little memory in ${error}`, () => {
      assert.equal(refused(500, JSON.stringify({ error })).kind, "no_memory");
      assert.equal(brokenAnswerOf(error, "p/m", []).kind, "no_memory");
    });
  }

  const HOURS = 20 * 3_600_000;
  const reset = String(NOW + HOURS);
  const waits: readonly [body: string, headers: Record<string, string>, ms: number | undefined][] =
    [
      ["", { "retry-after": "72000" }, HOURS],
      ["", { "retry-after": "Fri, 02 Jan 2026 08:00:00 GMT" }, HOURS],
      ['{"error":{"details":[{"retryDelay":"72000s"}]}}', {}, HOURS],
      [`{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"${reset}"}}}}`, {}, HOURS],
      ['{"error":{"message":"Please try again in 7m12.5s. Visit x"}}', {}, 432_500],
      ["Please wait 72000 seconds before retrying.", {}, HOURS],
      ["Limit resets in 19 hours, 59 minutes, and 60 s, and not now", {}, HOURS],
      ["Please retry in 250ms", {}, 250],
      ["You sent 20 messages in 1 hour", {}, undefined],
      ["Try again with 2 models", {}, undefined],
    ];
  for (const [body, headers, ms] of waits) {
    it(`reads when to ask again from ${JSON.stringify(headers)} ${body}`, () =>
      assert.equal(refused(429, body, headers).retryAfterMs, ms));
  }

  const targets: readonly [location: string | undefined, host: string | undefined][] = [
    ["https://login.example:8443/a?key=sk-1#b", "login.example:8443 (https)"],
    ["//other.example/x", "other.example (http)"],
    ["/elsewhere", "model.example:8080 (http)"],
    ["http://user:word@[::1]/", "[::1] (http)"],
    ["ftp://files.example/", "files.example (ftp)"],
    ["javascript:alert(1)", undefined],
    ["http://", undefined],
    [undefined, undefined],
  ];
  for (const [location, host] of targets) {
    it(`names only the host of a redirect to ${location}`, () => {
      const url = "http://model.example:8080/v1/chat/completions";
      const headers = new Headers(location === undefined ? {} : { Location: location });
      const error = refusalOf({ status: 302, headers, body: "", url }, "p/m", [KEY], NOW);
      assert.equal(error.redirectedTo, host);
      assert.equal(
        error.message,
        `p/m answered 302, a redirect${host === undefined ? "" : ` to ${host}`}`,
      );
    });
  }

  it("classifies a used-up quota as such, not as a rate limit", () => {
    assert.equal(refused(429, '{"error":{"code":"insufficient_quota"}}').kind, "quota");
    assert.equal(refused(400, '{"error":{"type":"billing_error"}}').kind, "quota");
    assert.equal(refused(429, '{"error":{"code":"1113"}}').kind, "quota");
    const said = '{"error":{"message":"Your credit balance is too low to access the API"}}';
    assert.equal(refused(400, said).kind, "quota");
  });

  const tooLong: readonly [status: number, body: string][] = [
    [400, '{"error":{"message":"too long","code":"context_length_exceeded"}}'],
    [400, '{"error":{"code":400,"message":"too big","type":"exceed_context_size_error"}}'],
    [400, '{"error":{"message":"This model\'s maximum context length is 8192 tokens."}}'],
    [
      400,
      '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205000 tokens > 200000 maximum"}}',
    ],
    [
      400,
      '{"error":{"message":"The input token count (9000) exceeds the maximum number of tokens allowed"}}',
    ],
    [413, '{"message":"Prompt has too many tokens"}'],
  ];
  for (const [status, body] of tooLong) {
    it(`[L4] finds in ${body} that the request is too long`, () => {
      assert.equal(refused(status, body).kind, "context_length");
    });
  }

  const windows: readonly [body: string, tokens: number | undefined][] = [
    [
      '{"error":{"message":"This model\'s maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","code":"context_length_exceeded"}}',
      8_192,
    ],
    ['{"error":{"message":"prompt is too long: 205000 tokens > 200000 maximum"}}', 200_000],
    [
      '{"error":{"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}',
      1_048_576,
    ],
    [
      '{"message":"Prompt contains 40000 tokens, too large for model with 32,768 maximum context length"}',
      32_768,
    ],
    [
      '{"error":{"code":400,"message":"the request exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}',
      4_096,
    ],
    [
      '{"error":{"code":400,"message":"too big","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}',
      4_096,
    ],
    ['{"error":{"message":"Please reduce the length of the messages or completion."}}', undefined],
    ['{"error":{"message":"max_tokens is too large: > 4096"}}', undefined],
    ["Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 8123", 6_000],
    [
      '{"error":{"code":"tokens_limit_reached","message":"Request body too large. Max size: 8000 tokens."}}',
      8_000,
    ],
    ["maximum prompt length is 131072 but the request contains 537812 tokens", 131_072],
    ["Invalid request: Your request exceeded model token limit: 8192 (requested: 9000)", 8_192],
    ["Range of input length should be [1, 30720]", 30_720],
    ["`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", 4_096],
    ["The decoder prompt (length 5000) is longer than the maximum model length of 4096", 4_096],
  ];
  for (const [body, tokens] of windows) {
    it(`[L4] reads the window from ${body}`, () => {
      assert.equal(refused(400, body).contextWindow, tokens);
    });
  }

  const notTooLong: readonly [status: number, body: string][] = [
    [400, '{"error":{"message":"max_tokens is too large"}}'],
    [429, '{"error":{"message":"too many tokens per minute"}}'],
    [401, '{"error":{"message":"context window"}}'],
  ];
  for (const [status, body] of notTooLong) {
    it(`[L4] does not take ${status} ${body} for a request that is too long`, () => {
      assert.notEqual(refused(status, body).kind, "context_length");
    });
  }

  it("classifies an unknown model as not found for each status", () => {
    assert.equal(refused(400, '{"error":{"code":"model_not_found"}}').kind, "not_found");
    assert.equal(refused(403, '{"error":{"code":"model_not_found"}}').kind, "not_found");
    assert.equal(refused(400, '{"type":"invalid_model","message":"no"}').kind, "not_found");
    assert.equal(refused(400, '{"error":{"type":"invalid_model"}}').kind, "not_found");
  });

  const words: readonly [what: string, body: string, words: string][] = [
    ["all fields", '{"error":{"message":"No","code":"bad","param":"store"}}', "No\nbad\nstore"],
    ["no message", '{"detail":[{"loc":["body","x"]}]}', '{"detail":[{"loc":["body","x"]}]}\n'],
    [
      "words of the server behind OpenRouter",
      '{"error":{"message":"Provider returned error","metadata":{"raw":"no tools"}}}',
      "Provider returned error: no tools",
    ],
    ["words without the key", `{"error":{"message":"bad ${KEY}"}}`, "bad [secret]"],
  ];
  for (const [what, body, said] of words) {
    it(`keeps the ${what} for decisions`, () => {
      assert.equal(refused(400, body).words?.trim(), said.trim());
    });
  }

  it("[C8] does not repeat the key", () => {
    const { message } = refused(401, JSON.stringify({ error: { message: `bad key ${KEY}` } }));
    assert.equal(message, "p/m answered 401: bad key [secret]");
  });
});

const cases: readonly [name: string, error: unknown, kind: ModelErrorKind, message: string][] = [
  ["no error object", undefined, "not_an_answer", "p/m sent an incomplete or malformed answer"],
  ["a text", "boom", "not_an_answer", "p/m broke off with an error: boom"],
  ["a fault", { message: "boom" }, "rejected", "p/m broke off with an error: boom"],
  ["too much work", { type: "overloaded_error" }, "unavailable", "p/m broke off with an error"],
  ["a status", { code: 503 }, "unavailable", "p/m broke off with an error"],
  ["a limit", { type: "rate_limit_error" }, "rate_limited", "p/m broke off with an error"],
  ["the limit's status", { code: 429 }, "rate_limited", "p/m broke off with an error"],
];
for (const [name, error, kind, message] of cases) {
  it(`[L3] brokenAnswerOf() › classifies ${name} as ${kind}`, () => {
    const failure = brokenAnswerOf(error, "p/m", []);
    assert.equal(failure.kind, kind);
    assert.equal(failure.message, message);
  });
}

describe("[C8] cleanServerMessage()", () => {
  it("removes a partly repeated key", () => {
    assert.equal(cleanServerMessage("key sk-canary-01***89 is bad", [KEY]), "key [secret] is bad");
  });

  it("returns one short line without the secret, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 100 }), fc.nat(100), (text, at) => {
        const said = cleanServerMessage(text.slice(0, at) + KEY + text.slice(at), [KEY]);
        assert.ok(!said.includes(KEY));
        assert.ok(said.length <= REASON_MAX);
        assert.doesNotMatch(said, /[\p{Cc}\u2028\u2029\u202e]/u);
      }),
    );
  });
});

describe("[L3] the reader of foreign errors", () => {
  const MEANINGS: readonly [code: object, kind: ModelErrorKind][] = [
    [{ code: 429, type: "rate_limit_error" }, "rate_limited"],
    [{ code: "insufficient_quota" }, "quota"],
    [{ code: "model_not_found" }, "not_found"],
    [{ type: "overloaded_error" }, "unavailable"],
    [{ code: "content_filter" }, "filtered"],
    [{ code: "invalid_api_key" }, "unauthorized"],
    [{ code: 400 }, "rejected"],
  ];
  const WRAPS: readonly ((fault: object) => unknown)[] = [
    (fault) => ({ error: fault }),
    (fault) => ({ type: "error", error: fault }),
    (fault) => [{ error: fault }],
    (fault) => ({ detail: fault }),
    (fault) => ({ errors: [fault] }),
    (fault) => ({ error: { message: "Provider error", metadata: { raw: JSON.stringify(fault) } } }),
    (fault) => ({ choices: null, ...fault }),
    (fault) => fault,
  ];

  it("finds kind, reason and time wherever a server puts them", () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...MEANINGS),
        fc.constantFrom(...WRAPS),
        fc.constantFrom("message", "msg"),
        fc.record({ param: fc.constant(null), request_id: fc.constant("r") }, { requiredKeys: [] }),
        ([code, kind], wrap, key, more) => {
          const sent = wrap({ ...more, ...code, [key]: "Boom. Try again in 7s." });
          const read = readEventBody(JSON.stringify(sent));
          const fault = "fault" in read && read.fault;
          const { kind: found, said, retryAfterMs } = brokenAnswerOf(fault, "p/m", []);
          assert.equal(found, kind);
          assert.match(said ?? "", /Boom/);
          assert.equal(retryAfterMs, 7_000);
        },
      ),
    ));

  it("takes no part of an answer for an error", () => {
    const parts = [
      { choices: [{ delta: { content: "error" } }], error: null },
      { choices: [], usage: {}, base_resp: { status_code: 0, status_msg: "success" } },
      { object: "chat.completion.chunk", message: "x" },
      { message: { role: "assistant", content: "x" } },
    ];
    for (const part of parts) {
      assert.ok("value" in readEventBody(JSON.stringify(part)), JSON.stringify(part));
    }
  });

  const credit: readonly [status: number, message: string, kind: ModelErrorKind][] = [
    [403, "Your team has used all available credits", "quota"],
    [401, "Insufficient account balance", "quota"],
    [400, "Incorrect API key provided: xa***", "unauthorized"],
    [403, "This key may not use the model", "unauthorized"],
  ];
  for (const [status, message, kind] of credit) {
    it(`takes ${status} “${message}” as ${kind}`, () =>
      assert.equal(refused(status, JSON.stringify({ error: message })).kind, kind));
  }
});
