/** Tests feeds of servers that are hostile or broken, over a real socket (T15). */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import type { FetchedFeed } from "../../src/core/feed.ts";
import { schedule } from "../../src/lib/clock.ts";
import { createJobs } from "../../src/sandbox/jobs.ts";
import { fetchFeedText } from "../../src/web/fetch_text.ts";
import type { GuardPorts } from "../../src/web/guarded_get.ts";
import { createWebPages } from "../../src/web/pages.ts";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const NOW = Date.UTC(2026, 10, 24, 3);
/** Milliseconds that a thread may take, however busy the machine is. */
const PATIENCE_MS = 120_000;
const XML = { "content-type": "application/rss+xml" };
const rss = (items: string, head = "") =>
  `${head}<rss version="2.0"><channel><title>T</title>${items}</channel></rss>`;
const item = (title: string) =>
  `<item><guid isPermaLink="false">1</guid><title>${title}</title></item>`;

/** Sends a text with the usual type. */
const sends = (body: string | Buffer, headers: object = {}): Answer => (response) =>
  void response.writeHead(200, { ...XML, ...headers }).end(body);
const refuses = (status: number, headers: Record<string, string> = {}): Answer => (response) =>
  void response.writeHead(status, headers).end("no");
const leadsTo = (location: string): Answer => (response) =>
  void response.writeHead(302, { location }).end();

/** Sends a byte every 20 milliseconds. */
const slowly: Answer = (response) => {
  response.writeHead(200, XML);
  const more = (): void => {
    if (response.destroyed) return;
    response.write("x");
    schedule(more, 20);
  };
  more();
};

/** Sends as much as the reader takes. */
const endlessly: Answer = (response) => {
  response.writeHead(200, XML);
  const more = (): void =>
    void response.write("x".repeat(100_000), (error) => error || response.destroyed || more());
  more();
};

const bomb = Buffer.alloc(20_000_000, "x");
/** The best compression would take 1 s for the bomb. */
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const REFUSED:
  readonly (readonly [what: string, answer: Answer, words: RegExp, waitMs?: number])[] = [
    [
      "a gzip bomb",
      (r, q) => sends(gzipSync(bomb), { "content-encoding": "gzip" })(r, q),
      /larger than 2 MB/,
    ],
    [
      "a deflate bomb",
      (r, q) => sends(deflateSync(bomb), { "content-encoding": "deflate" })(r, q),
      /larger than 2 MB/,
    ],
    [
      "a Brotli bomb",
      (r, q) => sends(brotliCompressSync(bomb, QUICKLY), { "content-encoding": "br" })(r, q),
      /larger than 2 MB/,
    ],
    [
      "two compressions",
      sends(gzipSync(gzipSync("x")), { "content-encoding": "gzip, gzip" }),
      /unknown compression/,
    ],
    [
      "a compression in name only",
      sends(rss(item("a")), { "content-encoding": "gzip" }),
      /cannot be decompressed/,
    ],
    ["a body without an end", endlessly, /larger than 2 MB/],
    ["a slow body", slowly, /no whole answer within 1 s/],
    ["no answer", () => {}, /no whole answer within 1 s/],
    ["an image", sends("x", { "content-type": "image/png" }), /this is "image\/png"; only text/],
    [
      "a redirect to a private address",
      leadsTo("http://10.0.0.1/"),
      /10\.0\.0\.1 is not on the public internet/,
    ],
    [
      "a redirect to a private name",
      leadsTo("http://inside.test/"),
      /inside\.test is not on the public internet/,
    ],
    [
      "a redirect to the cloud's metadata",
      leadsTo("http://169.254.169.254/"),
      /not on the public internet/,
    ],
    ["a redirect to another scheme", leadsTo("file:///etc/passwd"), /only http and https/],
    ["a redirect to data", leadsTo("data:text/xml,<rss/>"), /only http and https/],
    ["a redirect to another port", leadsTo("http://feed.test:22/"), /only the ports/],
    ["a redirect with a password", leadsTo("http://a:b@feed.test/"), /user name or password/],
    ["a redirect to nothing", leadsTo("http://[/"), /redirects to no web address/],
    ["a loop of redirects", leadsTo("/again"), /redirects more than 3 times/],
    ["401", refuses(401, { "www-authenticate": "Basic" }), /the server answered with status 401/],
    ["403", refuses(403), /the server answered with status 403/],
    ["410", refuses(410), /the server answered with status 410/],
    ["429", refuses(429), /the server answered with status 429/],
    ["429 with seconds", refuses(429, { "retry-after": "7200" }), /status 429/, 7_200_000],
    [
      "429 with a date",
      refuses(429, { "retry-after": new Date(NOW + 3_600_000).toUTCString() }),
      /status 429/,
      3_600_000,
    ],
    ["429 for a year", refuses(429, { "retry-after": "31536000" }), /status 429/, 86_400_000],
    [
      "429 with a past date",
      refuses(429, { "retry-after": new Date(0).toUTCString() }),
      /status 429/,
      0,
    ],
    ["429 with nonsense", refuses(429, { "retry-after": "-5" }), /status 429/],
    ["204", refuses(204), /no feed/],
    [
      "a page",
      sends("<!doctype html><title>x</title>", { "content-type": "text/html" }),
      /no feed/,
    ],
    ["an empty body", sends(""), /no feed/],
    ["a text", sends("no feed today", { "content-type": "text/plain" }), /no feed/],
    [
      "an external entity",
      sends(rss(item("&x;"), '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>')),
      /no feed/,
    ],
    [
      "a name of JavaScript",
      sends(rss("<item><constructor>x</constructor><guid>1</guid></item>")),
      /no feed/,
    ],
    ["many levels of XML", sends(rss(`<item>${"<a>".repeat(200_000)}</item>`)), /no feed/],
    [
      "many levels of JSON",
      sends(`{"version":"https://jsonfeed.org/version/1.1","items":${"[".repeat(900_000)}`),
      /no feed/,
    ],
  ];

const laughs = `<!DOCTYPE lolz [<!ENTITY l0 "lol">${
  Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join("")
}]>`;
const utf16 = Buffer.from(`\ufeff${rss(item("caf\u00e9"))}`, "utf16le");

const READ: readonly (readonly [what: string, answer: Answer, titles: readonly string[]])[] = [
  ["an entity bomb", sends(rss(item("&l9;"), laughs)), ["&l9;"]],
  [
    "a long list in one object",
    sends(rss(`<item><guid>1</guid><title>a</title><length>1000000000</length></item>`)),
    ["a"],
  ],
  [
    "a long list in a prefix",
    sends(rss(`<item><guid>1</guid><title>a</title><x:LENGTH >9e9</x:LENGTH></item>`)),
    ["a"],
  ],
  [
    "a long list in JSON",
    sends(
      '{"version":"https://jsonfeed.org/version/1.1","title":"J","items":{"\\u006cength":1000000000}}',
    ),
    [],
  ],
  [
    "a long list in an entry of JSON",
    sends(
      '{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"1","title":"a","tags":{"length":1000000000}}]}',
    ),
    ["a"],
  ],
  [
    "wrong types in JSON",
    sends(
      '{"version":"https://jsonfeed.org/version/1.1","title":5,"items":[null,5,"x",[],{"id":{}},{"id":"1","title":["a"],"authors":[null]}]}',
    ),
    ["a"],
  ],
  [
    "a charset in the header",
    sends(Buffer.from(rss(item("caf\u00e9")), "latin1"), {
      "content-type": "text/xml; charset=iso-8859-1",
    }),
    ["café"],
  ],
  [
    "a charset in the declaration",
    sends(
      Buffer.from(rss(item("caf\u00e9"), '<?xml version="1.0" encoding="ISO-8859-1"?>'), "latin1"),
    ),
    ["café"],
  ],
  [
    "an unknown charset in the header, and another in the declaration",
    sends(
      Buffer.from(
        rss(item("caf\u00e9"), "<?xml version='1.0' encoding='windows-1252'?>"),
        "latin1",
      ),
      { "content-type": "text/xml; charset=klingon" },
    ),
    ["café"],
  ],
  ["UTF-16 with a mark", sends(utf16), ["café"]],
  [
    "UTF-8 that calls itself UTF-16",
    sends(rss(item("café"), '<?xml version="1.0" encoding="utf-16"?>')),
    ["café"],
  ],
  [
    "a mark and a wrong charset",
    sends(`\ufeff${rss(item("café"))}`, { "content-type": "text/xml; charset=iso-8859-1" }),
    ["café"],
  ],
  ["bytes that are no text", sends(Buffer.from(rss(item("caf\u00e9")), "latin1")), ["caf\ufffd"]],
  [
    "a date in the future",
    sends(
      rss(
        `<item><guid>1</guid><title>late</title><pubDate>Mon, 01 Jan 2999 00:00:00 GMT</pubDate></item>${
          item("now").replace(">1<", ">2<")
        }`,
      ),
    ),
    ["now", "late"],
  ],
  ["hostile titles", sends(rss(item("@everyone\n# a\u0007b &#0; &#x110000; \ud800"))), [
    "@everyone # a b \ufffd \ufffd \ufffd",
  ]],
];

/** Serves all rows: the number of the row is the path. */
async function withRows(
  rows: readonly (readonly [what: string, answer: Answer, ...unknown[]])[],
  play: (
    read: (index: number) => Promise<FetchedFeed>,
    guard: GuardPorts,
    base: string,
  ) => Promise<void>,
): Promise<void> {
  let current = 0;
  const server = createServer((request, response) => {
    response.on("error", () => {});
    rows[current]?.[1](response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://feed.test:${port}/`;
  const guard: GuardPorts = {
    resolve: (host) =>
      Promise.resolve([{ address: host === "feed.test" ? "127.0.0.1" : "10.0.0.1", family: 4 }]),
    isAllowed: (address) => address === "127.0.0.1",
    allowedPorts: new Set([port, 80]),
    userAgent: "test",
    now: () => NOW,
  };
  const { inThread } = createJobs(new URL("../../src/job_worker.ts", import.meta.url), {
    program: "",
    args: [],
    env: {},
  });
  const pages = createWebPages({
    /** The reader's time is one of the processor here, of which other programs take none. */
    async runJob(job, timeoutMs, signal) {
      const before = process.cpuUsage();
      const end = await inThread(job, PATIENCE_MS, signal);
      const { user, system } = process.cpuUsage(before);
      assert.ok((user + system) / 1_000 <= timeoutMs, `${user + system} µs`);
      return end;
    },
    version: "1",
    now: () => NOW,
    engine: () => undefined,
    guard,
  });
  try {
    await play(
      (index) => {
        current = index;
        return pages.feed({ url: base, ownNetwork: false }, {}, new AbortController().signal);
      },
      guard,
      base,
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("[T15] [SEC-R23] [SEC-R25] a feed of a hostile or broken server", () => {
  for (const [what, ...row] of REFUSED) {
    it(`is refused in one line: ${what}`, () =>
      withRows([[what, ...row]], async (read, guard, base) => {
        const [, words, waitMs] = row;
        // The whole poll has 15 seconds; no test waits for them.
        const isLate = /within/.test(words.source);
        const end = isLate
          ? await fetchFeedText(base, {}, guard, new AbortController().signal, 1_000).then(
            () => ({ kind: "read" as const, reason: "", retryAfterMs: undefined }),
            (error: Error) => ({
              kind: "failed" as const,
              reason: error.message,
              retryAfterMs: undefined,
            }),
          )
          : await read(0);
        assert.ok(end.kind === "failed", JSON.stringify(end).slice(0, 200));
        assert.match(end.reason, words);
        assert.doesNotMatch(end.reason, /\n/);
        assert.equal(end.retryAfterMs, waitMs);
      }));
  }

  for (const [what, ...row] of READ) {
    it(`is read within its bounds: ${what}`, () =>
      withRows([[what, ...row]], async (read) => {
        const end = await read(0);
        assert.ok(end.kind === "feed", JSON.stringify(end));
        assert.deepEqual(end.feed.entries.map(({ title }) => title), row[1]);
      }));
  }
});
