import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { ModelCheck } from "../../../src/core/model_problem.ts";
import { checkModel } from "../../../src/providers/about/check.ts";
import type { ProviderSettings } from "../../../src/providers/settings.ts";
import { sameData } from "../../support/same_data.ts";
import { fakeFetch, restoreFetch } from "../../support/model/model_server.ts";

afterEach(restoreFetch);

const KEY = "sk-canary-0123456789";

const LOCAL: ProviderSettings = {
  id: "local",
  kind: "openai-compatible",
  baseUrl: "http://127.0.0.1:8000/v1",
};
const OPENAI: ProviderSettings = {
  ...LOCAL,
  id: "openai",
  baseUrl: "https://api.openai.com/v1",
  apiKey: KEY,
};
const ANTHROPIC: ProviderSettings = {
  id: "anthropic",
  kind: "anthropic",
  baseUrl: "https://api.anthropic.com/v1",
  apiKey: KEY,
};

const listing = (...ids: readonly string[]) =>
  Response.json({ data: ids.map((id) => ({ id, object: "model" })) });
const refusing = (status: number, body: object = {}) => Response.json(body, { status });

/** A request without its body, of which a check has none. */
interface Sent {
  readonly url: string;
  readonly headers: Headers;
}

/** Checks a model against a server with these answers. */
async function check(
  provider: ProviderSettings,
  answer: (sent: Sent) => Response | Promise<Response>,
  name = "llama3.2",
  silenceMs = 60_000,
): Promise<{ readonly result: ModelCheck; readonly sent: readonly Sent[] }> {
  const sent: Sent[] = [];
  fakeFetch(async (input, init) => {
    assert.equal(init?.method ?? "GET", "GET", "a question would cost tokens");
    assert.equal(init?.body, undefined);
    const request = { url: String(input), headers: new Headers(init?.headers) };
    sent.push(request);
    return await answer(request);
  });
  const result = await checkModel({ provider, name }, silenceMs);
  assert.doesNotMatch(JSON.stringify(result), new RegExp(KEY));
  return { result, sent };
}

describe("[O3] checkModel()", () => {
  it("gives up a list that drips without an end", async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream({
      start: (out) => void (timer = setInterval(() => out.enqueue(new Uint8Array([32])), 5)),
      cancel: () => clearInterval(timer),
    });
    const { result } = await check(LOCAL, () => new Response(body), undefined, 50);
    assert.equal(result.kind, "failed");
    assert.equal(result.kind === "failed" && result.failure.kind, "timeout");
    assert.match(JSON.stringify(result), /local\/llama3\.2 did not end its answer within 0\.15 s/);
  });

  it("finds the model in the server's list", async () => {
    const { result, sent } = await check(LOCAL, () => listing("other", "llama3.2"));
    assert.deepEqual(result, { kind: "listed", server: "http://127.0.0.1:8000", key: "none" });
    assert.deepEqual(sent.map(({ url }) => url), ["http://127.0.0.1:8000/v1/models"]);
  });

  it("takes a name without a tag for Ollama's newest", async () => {
    const { result } = await check(LOCAL, () => listing("llama3.2:latest"));
    assert.equal(result.kind, "listed");
  });

  it("sends the key of each format, and the operator's headers", async () => {
    const openai = await check(OPENAI, () => listing("llama3.2"));
    assert.equal(openai.sent[0]?.headers.get("authorization"), `Bearer ${KEY}`);
    const own = await check({ ...LOCAL, headers: { "X-Team": "t" } }, () => listing("llama3.2"));
    assert.equal(own.sent[0]?.headers.get("x-team"), "t");
    const { result, sent } = await check(ANTHROPIC, () => Response.json({ id: "claude-x" }), "c/x");
    assert.equal(sent[0]?.url, "https://api.anthropic.com/v1/models/c%2Fx");
    assert.equal(sent[0]?.headers.get("x-api-key"), KEY);
    assert.ok(sent[0]?.headers.has("anthropic-version"));
    assert.equal(result.kind, "listed", "an alias has another id");
  });

  it("counts a key as accepted only if the server refuses a request without one", async () => {
    const keyed = { ...LOCAL, apiKey: KEY };
    const strict = await check(
      keyed,
      ({ headers }) => headers.has("authorization") ? listing("llama3.2") : refusing(401),
    );
    assert.ok(strict.result.kind === "listed" && strict.result.key === "accepted");
    const open = await check(keyed, () => listing("llama3.2"));
    assert.ok(open.result.kind === "listed" && open.result.key === "unknown");
    const vendor = await check(OPENAI, () => listing("llama3.2"));
    assert.ok(vendor.result.kind === "listed" && vendor.result.key === "accepted");
    assert.equal(vendor.sent.length, 1);
  });

  const ollama = () => Response.json({ data: [{ id: "qwen3", owned_by: "library" }] });
  const lists: readonly (readonly [string, ProviderSettings, () => Response, boolean])[] = [
    ["a server of unknown kind", LOCAL, () => listing("qwen3"), false],
    ["OpenAI", OPENAI, () => listing("qwen3"), true],
    ["a provider called ollama", { ...LOCAL, id: "ollama" }, () => listing("qwen3"), true],
    ["Ollama's port", { ...LOCAL, baseUrl: "http://127.0.0.1:11434" }, () => listing(), true],
    ["Ollama's owner of models", LOCAL, ollama, true],
    [
      "Ollama without any model",
      { ...LOCAL, id: "ollama" },
      () => Response.json({ object: "list", data: null }),
      true,
    ],
    ["Anthropic", ANTHROPIC, () => refusing(404), true],
  ];
  for (const [what, provider, answer, isCertain] of lists) {
    it(`is ${isCertain ? "" : "un"}certain about a missing model by ${what}`, async () => {
      const { result } = await check(provider, answer);
      assert.ok(result.kind === "unlisted", result.kind);
      assert.equal(result.isCertain, isCertain);
    });
  }

  const without: readonly (readonly [what: string, answer: () => Response])[] = [
    ["404", () => refusing(404)],
    ["405", () => refusing(405)],
    ["501", () => refusing(501)],
    ["another object", () => Response.json({ ok: true })],
    ["no JSON", () => new Response("hello")],
  ];
  for (const [what, answer] of without) {
    it(`says that the server has no list after ${what}`, async () => {
      assert.equal((await check(LOCAL, answer)).result.kind, "no_list");
    });
  }

  const failures: readonly (readonly [kind: string, answer: () => Response])[] = [
    ["unauthorized", () => refusing(401, { error: { message: `bad key ${KEY}` } })],
    ["unauthorized", () => refusing(403)],
    ["quota", () => refusing(402)],
    ["rate_limited", () => refusing(429)],
    ["unavailable", () => refusing(503)],
    ["redirected", () => new Response(null, { status: 302 })],
    ["web_page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["unavailable", () => {
      throw new TypeError("connection refused");
    }],
  ];
  for (const [kind, answer] of failures) {
    it(`returns a failure of kind ${kind}`, async () => {
      const { result } = await check({ ...LOCAL, apiKey: KEY }, answer);
      assert.ok(result.kind === "failed", result.kind);
      const { said: _, ...failure } = result.failure;
      sameData(failure, { kind, modelId: "local/llama3.2" });
    });
  }

  it("returns the target's host of a redirect", async () => {
    const headers = { Location: "https://login.example/?from=model" };
    const { result } = await check(LOCAL, () => new Response(null, { status: 302, headers }));
    assert.ok(result.kind === "failed", result.kind);
    assert.equal(result.failure.redirectedTo, "login.example (https)");
  });
});
