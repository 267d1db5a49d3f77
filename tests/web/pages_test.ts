import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { createJobs } from "../../src/sandbox/jobs.ts";
import type { JobEnd } from "../../src/sandbox/run_in_thread.ts";
import { pageText } from "../../src/web/page_text.ts";
import { createWebPages, type SearchEngine, searchWeb } from "../../src/web/pages.ts";
import { createSilentBody } from "../support/network/silent_body.ts";
import { listening } from "../support/network/listening.ts";

const WORKER = new URL("../../src/job_worker.ts", import.meta.url);
const NO_PROGRAM = { program: "", args: [], env: {} };
const { signal } = new AbortController();

/** A web of one page, with the number of requests for it. */
async function withPage(
  play: (
    web: {
      url: string;
      requests: () => number;
      port: (run?: RunJob, now?: () => number) => ReturnType<typeof createWebPages>;
    },
  ) => Promise<void>,
): Promise<void> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<title>Tides</title><p>High at <b>noon</b>.</p>");
  });
  const port = await listening(server);
  try {
    await play({
      url: `http://a.test:${port}/`,
      requests: () => requests,
      port: (runJob = createJobs(WORKER, NO_PROGRAM).inThread, now = () => 0) =>
        createWebPages({
          runJob,
          version: "1",
          now,
          engine: () => undefined,
          guard: {
            resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
            isAllowed: () => true,
            allowedPorts: new Set([port]),
          },
        }),
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

type RunJob = (job: unknown, timeoutMs: number, signal: AbortSignal) => Promise<JobEnd>;

describe("[T6] createWebPages()", () => {
  it("reads a page in a thread", () =>
    withPage(async ({ url, port }) => {
      const page = await port().page(url, signal);
      assert.deepEqual(page, { url, title: "Tides", text: "High at noon.", isCut: false });
    }));

  it("[R12] reads a file of any type, and refuses one that is larger than its place takes", () =>
    withPage(async ({ url, port }) => {
      const { bytes, contentType } = await port().file(url, 1_000, signal);
      assert.match(new TextDecoder().decode(bytes), /^<title>Tides/);
      assert.equal(contentType, "text/html");
      await assert.rejects(port().file(url, 10, signal), /larger than/);
    }));

  it("keeps a page for ten minutes, for its other parts", () =>
    withPage(async ({ url, port, requests }) => {
      let at = 0;
      const web = port(undefined, () => at);
      for (const now of [0, 9 * 60_000, 10 * 60_000]) {
        at = now;
        await web.page(url, signal);
      }
      assert.equal(requests(), 2);
    }));

  it("reads all of the text if the search for an article takes too long", () =>
    withPage(async ({ url, port }) => {
      const jobs: unknown[] = [];
      const web = port((job) => {
        jobs.push(job);
        return Promise.resolve(
          jobs.length === 1
            ? { kind: "late" }
            : { kind: "done", result: { text: "all of it", isCut: false } },
        );
      });
      assert.equal((await web.page(url, signal)).text, "all of it");
      assert.deepEqual(jobs.map((job) => Object(job).isPlain), [undefined, true]);
    }));

  it("says so if a page cannot be read", () =>
    withPage(async ({ url, port }) => {
      const web = port(() => Promise.resolve({ kind: "late" }));
      await assert.rejects(web.page(url, signal), /too complicated to be read/);
    }));

  it("[SEC-R23] reaches nothing on this machine", async () => {
    const web = createWebPages({
      runJob: () => Promise.resolve({ kind: "late" }),
      version: "1",
      now: () => 0,
      engine: () => undefined,
    });
    for (const url of ["http://127.0.0.1/", "http://localhost/", "http://[::1]/"]) {
      const isRefused = /not on the public internet|does not exist/;
      await assert.rejects(web.page(url, signal), isRefused);
      await assert.rejects(web.file(url, 1_000, signal), isRefused);
    }
    for (const origin of ["http://127.0.0.1:8123", "http://192.168.1.5:8123", "http://10.0.0.1"]) {
      const key = new RegExp(`"skills": { "hosts": { "${origin}": {} } }`);
      await assert.rejects(web.page(`${origin}/`, signal), key);
    }
    await assert.rejects(web.page("http://169.254.169.254/", signal), /no key of the config/);
  });
});

const url = "https://example.org/a/b";
const LONG = "The tide is high at noon, they say. ".repeat(20);

function read(html: string): string {
  return pageText({ html, url }).text;
}

describe("[T6] pageText()", () => {
  it("reads the article of a page, without its menus", () => {
    const { text, title, isCut } = pageText({
      html: `<!doctype html><html><head><title>Tides &amp; more</title></head><body>
        <nav><a href=/x>Home of menus</a></nav><article><h1>Tides</h1><p>${LONG}</p></article></body>`,
      url,
    });
    assert.equal(title, "Tides & more");
    assert.match(text, /The tide is high/);
    assert.doesNotMatch(text, /Home of menus/);
    assert.equal(isCut, false);
  });

  it("reads all of a page without an article", () => {
    assert.equal(read("<p>one</p><p>two</p>"), "one\n\ntwo");
    assert.equal(read("just text < 3 & more"), "just text < 3 & more");
    assert.equal(read(""), "");
  });

  it("writes Markdown: headings, lists, code, tables, links, names of pictures", () => {
    assert.equal(
      read(
        "<h2>Boats</h2><ul><li>one<ul><li>two</li></ul></li></ul><pre><code>a\n  b</code></pre>" +
          "<table><tr><td>x</td><td>y</td></tr></table><p>see <a href='../c?q=1'>this</a> and <code>z</code>" +
          "<img alt='a boat' src=x> <a href='javascript:1'>no</a> <a href='#top'>up</a></p>",
      ).replace(/\n+/g, "\n"),
      "## Boats\n- one\n  - two\n```\na\n  b\n```\nx | y |\n" +
        "see [this](https://example.org/c?q=1) and `z`[image: a boat] no up",
    );
  });

  it("leaves out scripts, styles, comments and hidden parts", () => {
    const text = read(
      "<p>seen</p><script>one</script><style>two</style><!-- three --><noscript>four</noscript>" +
        "<template>five</template><p hidden>six</p><p aria-hidden=true>seven</p><SCRIPT >eight</SCRIPT >",
    );
    assert.equal(text, "seen");
  });

  it("[SEC-R25] reads hostile pages, or their beginning, within bounds", () => {
    const { text, isCut } = pageText({ html: "<p>x</p>".repeat(240_000), url });
    assert.equal(typeof text, "string");
    assert.equal(isCut, true);
    const hostile: readonly string[] = [
      "<div>".repeat(390_000) + "x",
      "<a href=x>".repeat(180_000),
      "<".repeat(1_900_000),
      "<script>".repeat(200_000),
      "<!--".repeat(400_000),
      `<p ${"a=b ".repeat(450_000)}>x</p>`,
      "&amp;".repeat(390_000),
      "[ ".repeat(900_000),
    ];
    for (const html of hostile) {
      assert.equal(typeof read(html), "string");
    }
  });

  it("reads a page's whole text if an article is not wanted", () => {
    const html = `<nav>menu</nav><article><p>${LONG}</p></article>`;
    assert.match(pageText({ html, url, isPlain: true }).text, /^menu/);
  });
});

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
