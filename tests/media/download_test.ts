import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { describe, it } from "node:test";
import { createDownload, createIsMediaUrl, DOWNLOAD_MS, isExpired } from "../../src/media/media.ts";
import { schedule } from "../../src/lib/clock.ts";
import { createSilentBody } from "../support/network/silent_body.ts";
import { listening } from "../support/network/listening.ts";

const NEVER = new AbortController().signal;
const DISCORD = "https://discord.com/api";

/** Runs a test with a server for files. */
async function withServer(
  answer: RequestListener,
  play: (
    url: string,
    download: (
      url: string,
      maxBytes: number,
      ports?: Partial<Parameters<typeof createDownload>[0]>,
    ) => Promise<Uint8Array>,
  ) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  const port = await listening(server);
  const origin = `http://127.0.0.1:${port}`;
  const common = {
    fetch,
    isMediaUrl: createIsMediaUrl(origin, DISCORD),
    refresh: () => Promise.resolve(undefined),
    now: () => 0,
    schedule,
  };
  try {
    await play(
      `${origin}/file`,
      (url, maxBytes, ports = {}) => createDownload({ ...common, ...ports })(url, maxBytes, NEVER),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("[H7] createIsMediaUrl()", () => {
  const allowed = createIsMediaUrl(DISCORD, DISCORD);
  const urls: readonly [url: string, isAllowed: boolean][] = [
    ["https://cdn.discordapp.com/attachments/1/2/a.png?ex=1&is=2&hm=3", true],
    ["https://media.discordapp.net/attachments/1/2/a.png", true],
    ["https://images-ext-1.discordapp.net/external/x/https/example.org/a.png", true],
    ["https://images-ext-3.discordapp.net/external/x/https/example.org/a.png", false],
    ["http://cdn.discordapp.com/a", false],
    ["https://cdn.discordapp.com:8443/a", false],
    ["https://cdn.discordapp.com.evil.example/a", false],
    ["https://evil.example/cdn.discordapp.com", false],
    ["https://user@cdn.discordapp.com/a", false],
    ["https://cdn.discordapp.com@evil.example/a", false],
    ["https://cdn.discordapp.com\\@evil.example/a", true], // the parser's own host
    ["http://127.0.0.1/a", false],
    ["http://169.254.169.254/latest", false],
    ["file:///etc/passwd", false],
    ["data:text/plain,hello", false],
    ["not an address", false],
  ];
  for (const [url, isAllowed] of urls) {
    it(`${isAllowed ? "allows" : "refuses"} ${url}`, () => assert.equal(allowed(url), isAllowed));
  }

  it("allows a simulator's own origin, and no other port of its host", () => {
    const simulated = createIsMediaUrl("http://127.0.0.1:4000/api", DISCORD);
    assert.equal(simulated("http://127.0.0.1:4000/attachments/1/2/a"), true);
    assert.equal(simulated("http://127.0.0.1:4001/attachments/1/2/a"), false);
  });
});

it("[H7] isExpired() › reads the second from the link", () => {
  const url = "https://cdn.discordapp.com/a?ex=65d903de&is=65c68ede&hm=ab";
  assert.equal(isExpired(url, 0x65d903de * 1_000 + 1), true);
  assert.equal(isExpired(url, 0x65d903de * 1_000 - 60_000), false);
  assert.equal(isExpired("https://cdn.discordapp.com/a?ex=soon", 0), false);
});

describe("[H7] [SEC-R25] createDownload()", () => {
  it("reads a file", () =>
    withServer((_, answer) => answer.end("hello"), async (url, download) => {
      assert.equal(new TextDecoder().decode(await download(url, 5)), "hello");
    }));

  it("stops an endless body at the limit", () =>
    withServer((_, answer) => {
      const more = () => {
        while (!answer.destroyed && answer.write(new Uint8Array(65_536)));
      };
      answer.on("drain", more);
      more();
    }, (url, download) => assert.rejects(download(url, 1_000_000), /larger than 1 MB/)));

  it("refuses a length that lies", () =>
    withServer((_, answer) => {
      answer.writeHead(200, { "Content-Length": "1000000" });
      answer.write("little");
      answer.socket?.end();
    }, (url, download) => assert.rejects(download(url, 5_000_000), { name: "FileError" })));

  it("refuses a compressed body, which may be a bomb", () =>
    withServer(
      ({ headers }, answer) => {
        assert.equal(headers["accept-encoding"], "identity");
        answer.writeHead(200, { "Content-Encoding": "gzip" });
        answer.end(new Uint8Array([0x1f, 0x8b]));
      },
      (url, download) => assert.rejects(download(url, 100), { name: "FileError" }),
    ));

  it("follows no redirect", () =>
    withServer(
      (_, answer) => answer.writeHead(302, { Location: "http://169.254.169.254/" }).end(),
      (url, download) => assert.rejects(download(url, 100), /leads elsewhere/),
    ));

  it("refuses other addresses without a request", () =>
    withServer(() => assert.fail("no request may come"), (_, download) => {
      const fetch = () => assert.fail("no request may leave");
      return assert.rejects(download("https://evil.example/a", 1, { fetch }), /not Discord's/);
    }));

  it("gets a new link for an expired one, and for one that Discord does not know", () =>
    withServer((request, answer) => {
      if (request.url !== "/new") answer.writeHead(404);
      answer.end("fresh");
    }, async (url, download) => {
      const refresh = () => Promise.resolve(url.replace("/file", "/new"));
      for (const old of [`${url}?ex=1`, url]) {
        const bytes = await download(old, 100, { refresh, now: () => 60_000 });
        assert.equal(new TextDecoder().decode(bytes), "fresh");
      }
      await assert.rejects(download(url, 100), /no longer/);
    }));

  it("refuses a new link to another host", () =>
    withServer((_, answer) => answer.writeHead(404).end(), (url, download) => {
      const refresh = () => Promise.resolve("http://169.254.169.254/");
      return assert.rejects(download(url, 100, { refresh }), /not Discord's/);
    }));

  it("gives up a server that never answers", () =>
    withServer(() => {}, (url, download) => {
      const now = (run: () => void, ms: number) => {
        assert.equal(ms, DOWNLOAD_MS);
        queueMicrotask(run);
        return () => {};
      };
      return assert.rejects(download(url, 100, { schedule: now }), /not read within 30 s/);
    }));

  it("closes a body that falls silent", () =>
    withServer(() => {}, async (url, download) => {
      const { stream, isCancelled } = createSilentBody("low");
      const fetch = () => Promise.resolve(new Response(stream));
      const soon = (run: () => void) => schedule(run, 20);
      await assert.rejects(download(url, 100, { fetch, schedule: soon }), /not read within 30 s/);
      assert.ok(isCancelled());
    }));
});
