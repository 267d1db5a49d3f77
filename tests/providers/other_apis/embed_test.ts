import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { describe, it } from "node:test";
import { type Embedding, EmbeddingFailed, TextRefused } from "../../../src/core/notes/embedding.ts";
import { createEmbedding } from "../../../src/providers/other_apis/embed.ts";
import type { ModelSettings, ProviderSettings } from "../../../src/providers/settings.ts";

const NEVER = new AbortController().signal;
const KEY = "sk-embedding-canary";
/** Milliseconds that a good server may take; far more than it needs. */
const TIMEOUT_MS = 30_000;

interface Asked {
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

type Fields = Partial<Pick<ModelSettings, "name" | "price"> & Pick<ProviderSettings, "kind">>;

async function withServer(
  answer: RequestListener,
  play: (embed: (fields?: Fields) => Embedding, asked: Asked[]) => Promise<void>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => body += part).on("end", () => {
      const { url, headers: { authorization } } = request;
      asked.push({ url, authorization, body: JSON.parse(body) });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  const baseUrl = `http://127.0.0.1:${address.port}`;
  try {
    await play(
      ({ kind = "openai-compatible", ...fields } = {}) => {
        const provider = { id: "local", kind, baseUrl, apiKey: KEY };
        return createEmbedding({ provider, name: "small", ...fields }, { fetch, timeoutMs });
      },
      asked,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const vectors = (...all: readonly object[]): RequestListener => (_, answer) =>
  answer.end(JSON.stringify({ data: all, usage: { prompt_tokens: 7 } }));

describe("[T14] createEmbedding()", () => {
  it("sends all texts at once, and takes the vectors by their index", () =>
    withServer(
      vectors({ index: 1, embedding: [0, 1] }, { index: 0, embedding: [1, 0] }),
      async (embed, asked) => {
        const { vectors, usage } = await embed().embed(["tea", "boat"], "note", NEVER);
        assert.deepEqual(vectors, [Int8Array.of(127, 0), Int8Array.of(0, 127)]);
        assert.deepEqual(usage, { inputTokens: 7, outputTokens: 0, micros: undefined });
        const body = { model: "small", input: ["tea", "boat"] };
        assert.deepEqual(asked, [
          { url: "/v1/embeddings", authorization: `Bearer ${KEY}`, body },
        ]);
      },
    ));

  it("[L5] counts money by the model's price", () =>
    withServer(vectors({ embedding: [1] }), async (embed) => {
      const { usage } = await embed({ price: { input: 3, output: 0 } }).embed(["a"], "note", NEVER);
      assert.equal(usage.micros, 21);
    }));

  it("[L5] counts the tokens of a server that reports a total alone", () =>
    withServer(
      (_, answer) => answer.end('{"data":[{"embedding":[1]}],"usage":{"total_tokens":4}}'),
      async (embed) => {
        const { usage } = await embed().embed(["tea"], "note", NEVER);
        assert.equal(usage.inputTokens, 4);
      },
    ));

  it("[L5] estimates tokens of a server that reports none", () =>
    withServer(
      (_, answer) => answer.end('{"data":[{"embedding":[1]}]}'),
      async (embed) => {
        const { usage } = await embed().embed(["a".repeat(40)], "note", NEVER);
        assert.equal(usage.inputTokens, 10);
      },
    ));

  it("asks Google at its own address of this API", () =>
    withServer(vectors({ embedding: [1] }), async (embed, asked) => {
      await embed({ kind: "google" }).embed(["tea"], "note", NEVER);
      assert.equal(asked[0]?.url, "/v1beta/openai/embeddings");
    }));

  const prefixes: readonly [name: string, note: string, query: string][] = [
    ["nomic-embed-text:latest", "search_document: tea", "search_query: tea"],
    ["intfloat/multilingual-e5-large", "passage: tea", "query: tea"],
    ["text-embedding-3-small", "tea", "tea"],
  ];
  for (const [name, note, query] of prefixes) {
    it(`writes the words before a text that ${name} was trained with`, () =>
      withServer(vectors({ embedding: [1] }), async (embed, asked) => {
        await embed({ name }).embed(["tea"], "note", NEVER);
        await embed({ name }).embed(["tea"], "query", NEVER);
        assert.deepEqual(asked.map(({ body }) => body), [
          { model: name, input: [note] },
          { model: name, input: [query] },
        ]);
      }));
  }

  const habits: readonly [title: string, answer: RequestListener, why: RegExp][] = [
    ["HTML", (_, answer) => answer.end("<html>login</html>"), /has no vectors/],
    ["no data", vectors(), /has no vectors/],
    ["a vector too few", vectors({ embedding: [1] }), /has no vectors/],
    [
      "one index twice",
      vectors({ index: 0, embedding: [1] }, { index: 0, embedding: [1] }),
      /no v/,
    ],
    ["lengths that differ", vectors({ embedding: [1] }, { embedding: [1, 2] }), /has no vectors/],
    ["zeros", vectors({ embedding: [0, 0] }, { embedding: [1, 2] }), /has no vectors/],
    ["base64", vectors({ embedding: "AACAPw==" }, { embedding: "AACAPw==" }), /has no vectors/],
    ["a 401", (_, answer) => answer.writeHead(401).end(`no ${KEY}`), /refused it: HTTP 401$/],
    ["a broken connection", (request) => request.socket.destroy(), /could not be reached/],
    ["a redirect", (_, answer) => answer.writeHead(302, { Location: "/x" }).end(), /reached|302/],
  ];
  for (const [title, answer, why] of habits) {
    it(`fails at ${title}, and repeats no secret`, () =>
      withServer(answer, async (embed) => {
        await assert.rejects(embed().embed(["tea", "boat"], "note", NEVER), (error: Error) => {
          assert.match(error.message, why);
          assert.doesNotMatch(error.message, new RegExp(KEY));
          return error instanceof EmbeddingFailed;
        });
      }));
  }

  const kinds: readonly [answer: RequestListener, kind: string][] = [
    [(_, answer) => answer.writeHead(401).end(), "unauthorized"],
    [(_, answer) => answer.writeHead(404).end(), "not_found"],
    [(_, answer) => answer.writeHead(429).end(), "rate_limited"],
    [(_, answer) => answer.writeHead(503).end(), "unavailable"],
    [(_, answer) => answer.end(" <!doctype html><title>Log in</title>"), "web_page"],
    [(_, answer) => answer.end("{}"), "not_an_answer"],
  ];
  for (const [answer, kind] of kinds) {
    it(`[L3] names the kind of a failure: ${kind}`, () =>
      withServer(
        answer,
        (embed) => assert.rejects(embed().embed(["tea"], "note", NEVER), { kind }),
      ));
  }

  it("fails at silence", () =>
    withServer(
      () => {},
      (embed) => assert.rejects(embed().embed(["tea"], "note", NEVER), /gave no answer: nothing/),
      50,
    ));

  for (const status of [400, 413, 422, 500]) {
    it(`tells a text that the server refuses with ${status}`, () =>
      withServer(
        (_, answer) => answer.writeHead(status).end("the input is too long"),
        (embed) => assert.rejects(embed().embed(["tea"], "note", NEVER), TextRefused),
      ));
  }
});
