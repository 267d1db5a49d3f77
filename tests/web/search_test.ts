import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SearchEngine, searchWeb } from "../../src/web/pages.ts";
import { createSilentBody } from "../support/network/silent_body.ts";

const { signal } = new AbortController();

/** Asks an engine that gives one answer, and notes the request. */
async function ask(engine: SearchEngine, answer: Response, most = 3) {
  const requests: { readonly url: string; readonly headers: Headers }[] = [];
  const fetch: typeof globalThis.fetch = (url, init) => {
    requests.push({ url: String(url), headers: new Headers(init?.headers) });
    return Promise.resolve(answer);
  };
  const found = await searchWeb(engine, "high tide & noon", most, { fetch, signal });
  return { found, ...requests[0] };
}

const SEARXNG: SearchEngine = { kind: "searxng", url: "http://10.0.0.5/search" };
const BRAVE: SearchEngine = { kind: "brave", apiKey: "key1" };
const HIT = { url: "https://example.org/a", title: "A  tide", content: "It is\nhigh." };

describe("[T9] searchWeb()", () => {
  it("asks SearXNG", async () => {
    const { found, url } = await ask(SEARXNG, Response.json({ results: [HIT, { url: 1 }, HIT] }));
    assert.equal(url, "http://10.0.0.5/search/search?q=high+tide+%26+noon&format=json");
    const one = { url: HIT.url, title: "A tide", excerpt: "It is high." };
    assert.deepEqual(found, [one, one]);
  });

  it("asks Brave with the key", async () => {
    const answer = { web: { results: [{ ...HIT, description: "<strong>High</strong> at noon" }] } };
    const { found, url, headers } = await ask(BRAVE, Response.json(answer), 1);
    assert.equal(
      url,
      "https://api.search.brave.com/res/v1/web/search?q=high+tide+%26+noon&count=1",
    );
    assert.equal(headers?.get("x-subscription-token"), "key1");
    assert.equal(found[0]?.excerpt, "High at noon");
    assert.deepEqual((await ask(BRAVE, Response.json({ query: {} }))).found, []);
  });

  it("returns at most the wanted number, with bounded texts and web addresses only", async () => {
    const long = {
      url: "https://example.org/",
      title: "t".repeat(900),
      content: "c".repeat(9_000),
    };
    const bad = { ...HIT, url: "javascript:alert(1)" };
    const { found } = await ask(SEARXNG, Response.json({ results: [bad, long, HIT, HIT] }), 2);
    assert.deepEqual(found.map(({ title, excerpt }) => [title.length, excerpt.length]), [
      [200, 500],
      [6, 11],
    ]);
  });

  const failures: readonly [name: string, answer: Response, reason: RegExp][] = [
    ["a refusal", new Response("no", { status: 403 }), /status 403; the operator must add "json"/],
    ["a redirect", new Response(null, { status: 302 }), /status 302/],
    ["a web page", new Response("<html>"), /is no JSON/],
    ["another answer", Response.json({ hits: [] }), /has no results/],
    ["a list", Response.json([]), /has no results/],
    ["a long answer", new Response("x".repeat(2_100_000)), /too large/],
  ];
  for (const [name, answer, reason] of failures) {
    it(`tells about ${name}`, () => assert.rejects(ask(SEARXNG, answer), reason));
  }

  it("ends with its turn, even if the answer falls silent", async () => {
    const { stream, isCancelled } = createSilentBody('{"results":');
    const fetch = () => Promise.resolve(new Response(stream));
    const stop = new AbortController();
    const search = searchWeb(SEARXNG, "x", 1, { fetch, signal: stop.signal });
    setTimeout(() => stop.abort(new Error("stopped")));
    await assert.rejects(search, { message: "stopped" });
    assert.ok(isCancelled());
  });

  it("names neither address nor key if the engine is away", () =>
    assert.rejects(
      searchWeb(BRAVE, "x", 1, { fetch: () => Promise.reject(new Error("key1")), signal }),
      { message: "the search engine does not answer" },
    ));
});
