import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { describe, it } from "node:test";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { isPublicAddress } from "../../src/lib/network/addresses.ts";
import { fetchText } from "../../src/web/fetch_text.ts";
import { checkedUrl, type GuardedRequest } from "../../src/web/guarded_get.ts";
import { listening } from "../support/network/listening.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The network of a test: a server on this machine, and the rules for it. */
interface Web {
  readonly port: number;
  readonly guard: GuardedRequest;
  /** Paths of the requests that the server got. */
  readonly seen: string[];
  fetch(
    url: string,
    rules?: Partial<GuardedRequest>,
    timeoutMs?: number,
  ): ReturnType<typeof fetchText>;
}

async function withWeb(answer: Answer, play: (web: Web) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    answer(request, response);
  });
  const port = await listening(server);
  const guard: GuardedRequest = {
    resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
    isAllowed: (address) => address === "127.0.0.1",
    allowedPorts: new Set([port]),
    userAgent: "test",
  };
  try {
    await play({
      port,
      guard,
      seen,
      fetch: (url, rules, timeoutMs = 20_000) =>
        fetchText(url, { ...guard, ...rules }, new AbortController().signal, timeoutMs),
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function html(response: ServerResponse, body: string | Buffer, headers: object = {}): void {
  response.writeHead(200, { "content-type": "text/html", ...headers }).end(body);
}

describe("[SEC-R23] fetchText()", () => {
  it("connects to the checked address, and sends the host's name", () =>
    withWeb((request, response) => html(response, `host ${request.headers.host}`), async (web) => {
      const { url, text, isHtml } = await web.fetch(`http://pinned.test:${web.port}/a?b=1#c`);
      assert.equal(text, `host pinned.test:${web.port}`);
      assert.equal(url, `http://pinned.test:${web.port}/a?b=1`);
      assert.equal(isHtml, true);
    }));

  it("connects to the checked address with https, too, and names the host", () =>
    withWeb((_request, response) => html(response, "x"), async (web) => {
      const { promise: heard, resolve } = Promise.withResolvers<string>();
      const server = createTcpServer((socket) =>
        socket.on("error", () => {}).once("data", (bytes) => {
          resolve(bytes.toString("latin1"));
          socket.destroy();
        })
      );
      const port = await listening(server);
      const asked = web.fetch(`https://pinned.test:${port}/`, { allowedPorts: new Set([port]) });
      await assert.rejects(asked.finally(() => server.close()), /not answer \((?!ENOTFOUND)/);
      assert.match(await heard, /pinned\.test/, "the certificate is for the name");
    }));

  it("looks a name up once, so that a second answer changes nothing", () =>
    withWeb((_request, response) => html(response, "x"), async (web) => {
      let looks = 0;
      await web.fetch(`http://rebinding.test:${web.port}/`, {
        resolve: () =>
          Promise.resolve([{ address: looks++ === 0 ? "127.0.0.1" : "::1", family: 4 }]),
      });
      assert.equal(looks, 1);
    }));

  it("refuses a name of which one address is not allowed", () =>
    withWeb((_request, response) => html(response, "x"), async (web) => {
      const resolve = () =>
        Promise.resolve([{ address: "127.0.0.1", family: 4 }, { address: "10.0.0.1", family: 4 }]);
      await assert.rejects(web.fetch(`http://mixed.test:${web.port}/`, { resolve }), /not on the/);
      assert.deepEqual(web.seen, []);
    }));

  it("tries a name's next address if one does not answer", () =>
    withWeb((_request, response) => html(response, "x"), async (web) => {
      const addresses = [{ address: "127.0.0.2", family: 4 }, { address: "127.0.0.1", family: 4 }];
      const { text } = await web.fetch(`http://two.test:${web.port}/`, {
        resolve: () => Promise.resolve(addresses),
        isAllowed: () => true,
      });
      assert.equal(text, "x");
    }));

  it("sends neither cookies nor credentials", () =>
    withWeb((request, response) => {
      if (request.url === "/") {
        return response.writeHead(302, { location: "/next", "set-cookie": "a=b" }).end();
      }
      html(response, JSON.stringify(request.headers));
    }, async (web) => {
      const { text } = await web.fetch(`http://a.test:${web.port}/`);
      assert.doesNotMatch(text, /cookie|authorization|referer/i);
    }));

  it("checks the address of each redirect", () =>
    withWeb((request, response) => {
      const to = decodeURIComponent(request.url?.slice(1) ?? "");
      response.writeHead(302, { location: to }).end();
    }, async (web) => {
      const from = (to: string) =>
        web.fetch(`http://a.test:${web.port}/${encodeURIComponent(to)}`, {
          resolve: (host) =>
            Promise.resolve([{ address: host === "a.test" ? "127.0.0.1" : "10.0.0.1", family: 4 }]),
        });
      await assert.rejects(from(`http://169.254.169.254:${web.port}/`), /not on the public/);
      await assert.rejects(from(`http://b.test:${web.port}/`), /not on the public/);
      await assert.rejects(from("http://a.test:22/"), /only the ports/);
      await assert.rejects(from("file:///etc/passwd"), /only http and https/);
      await assert.rejects(from(`http://u:p@a.test:${web.port}/`), /user name or password/);
    }));

  it("follows three redirects, and no more", () =>
    withWeb((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) return html(response, "there");
      response.writeHead(302, { location: `/${left - 1}` }).end();
    }, async (web) => {
      assert.equal((await web.fetch(`http://a.test:${web.port}/3`)).text, "there");
      await assert.rejects(web.fetch(`http://a.test:${web.port}/4`), /redirects more than 3 times/);
    }));
});

describe("[SEC-R25] fetchText()", () => {
  const packed: readonly [name: string, pack: (text: string) => Buffer][] = [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    // Its best compression would take 3 s for a bomb.
    ["br", (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ["identity", (text) => Buffer.from(text)],
  ];
  for (const [name, pack] of packed) {
    it(`reads ${name}, and refuses more than 2 MB of it`, () =>
      withWeb((request, response) => {
        const text = request.url === "/" ? "hello" : "x".repeat(60_000_000);
        html(response, pack(text), { "content-encoding": name });
      }, async (web) => {
        assert.equal((await web.fetch(`http://a.test:${web.port}/`)).text, "hello");
        await assert.rejects(web.fetch(`http://a.test:${web.port}/bomb`), /larger than 2 MB/);
      }));
  }

  it("refuses a body without an end, one that lies about its length, and one that breaks off", () =>
    withWeb((request, response) => {
      response.writeHead(200, {
        "content-type": "text/html",
        ...(request.url === "/announced" && { "content-length": "9000000" }),
        ...(request.url === "/short" && { "content-length": "100" }),
      });
      if (request.url === "/short") {
        response.write("x", () => response.destroy());
        return;
      }
      const more = (): void => void response.write("x".repeat(100_000), (error) => error || more());
      more();
    }, async (web) => {
      const url = `http://a.test:${web.port}`;
      await assert.rejects(web.fetch(`${url}/endless`), /larger than 2 MB/);
      await assert.rejects(web.fetch(`${url}/announced`), /larger than 2 MB/);
      await assert.rejects(web.fetch(`${url}/short`), /broke the connection/);
    }));

  it("gives up a server that says nothing, and ends with its signal", () =>
    withWeb(() => {}, async (web) => {
      await assert.rejects(web.fetch(`http://a.test:${web.port}/`, {}, 50), /no whole answer/);
      await assert.rejects(
        web.fetch(`http://a.test:${web.port}/`, { resolve: () => new Promise(() => {}) }, 50),
        /no whole answer within/,
      );
      const stop = new AbortController();
      const fetched = fetchText(`http://a.test:${web.port}/`, web.guard, stop.signal);
      stop.abort(new Error("stopped"));
      await assert.rejects(fetched, /stopped/);
    }));
});

describe("[T6] fetchText()", () => {
  it("reads only text", () =>
    withWeb((request, response) => {
      response.writeHead(200, { "content-type": decodeURIComponent(request.url?.slice(1) ?? "") });
      response.end("{}");
    }, async (web) => {
      const as = (type: string) =>
        web.fetch(`http://a.test:${web.port}/${encodeURIComponent(type)}`).then(({ isHtml }) =>
          isHtml
        );
      assert.equal(await as("text/html; charset=utf-8"), true);
      assert.equal(await as("application/xhtml+xml"), true);
      for (
        const type of [
          "text/plain",
          "application/json",
          "application/ld+json",
          "application/rss+xml",
        ]
      ) assert.equal(await as(type), false);
      for (
        const type of ["image/png", "application/pdf", "application/octet-stream", "video/mp4"]
      ) {
        await assert.rejects(as(type), /only text can be fetched/);
      }
    }));

  it("reads the charset of the header, or of the page", () =>
    withWeb((request, response) => {
      const isNamed = request.url === "/header";
      const meta = isNamed ? "" : '<meta charset="iso-8859-1">';
      response.writeHead(200, {
        "content-type": `text/html${isNamed ? "; charset=ISO-8859-1" : ""}`,
      }).end(Buffer.from(`${meta}caf\u00e9`, "latin1"));
    }, async (web) => {
      for (const path of ["header", "meta"]) {
        assert.match((await web.fetch(`http://a.test:${web.port}/${path}`)).text, /café$/);
      }
    }));

  it("names the status of a refusal", () =>
    withWeb((_request, response) => response.writeHead(404).end("no"), async (web) => {
      await assert.rejects(web.fetch(`http://a.test:${web.port}/`), /status 404/);
    }));
});

describe("[SEC-R23] 80 forms of addresses", () => {
  const HOSTS = (
    "localhost LOCALHOST localhost. 127.0.0.1 127.0.0.1. 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 " +
    "0x7f.0.0.1 0177.0.0.1 017700000001 0177.0x0.0.1 127.000.000.001 127.0.0.2 127.255.255.255 0 0.0.0.0 " +
    "0.0.0.1 0x0 %31%32%37.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 [::1] [::] [0:0:0:0:0:0:0:1] " +
    "[0000:0000:0000:0000:0000:0000:0000:0001] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] " +
    "[::FFFF:7F00:0001] [0:0:0:0:0:ffff:7f00:1] [::ffff:0:7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] " +
    "[64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:0001::1] [2001:0:7f00:1::] [fe80::1] [fc00::1] [fd00::1] " +
    "[fd00:ec2::254] [ff02::1] [fec0::1] [100::1] [2001:db8::1] 169.254.169.254 2852039166 0xa9fea9fe " +
    "0251.0376.0251.0376 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] 169.254.170.2 100.100.100.200 168.63.129.16 " +
    "192.0.0.192 10.0.0.1 10.1 167772161 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1 3232235521 " +
    "100.64.0.1 198.18.0.1 224.0.0.1 239.255.255.250 255.255.255.255 240.0.0.1 192.0.2.1 203.0.113.5 " +
    "metadata.google.internal rebind.test user@127.0.0.1 user:pass@localhost 93.184.216.34@127.0.0.1 " +
    "127.0.0.1%2f@localhost 127.0.0.1\\@93.184.216.34"
  ).split(/\s+/);

  it("has them", () => assert.ok(HOSTS.length >= 80, String(HOSTS.length)));

  it("reach nothing", () =>
    withWeb((_request, response) => html(response, "canary"), async (web) => {
      const reached: string[] = [];
      for (const host of HOSTS) {
        const resolve = (name: string) =>
          Promise.resolve([{
            address: name === "metadata.google.internal" ? "169.254.169.254" : "127.0.0.1",
            family: 4,
          }]);
        const end = await web.fetch(`http://${host}:${web.port}/`, {
          resolve,
          isAllowed: isPublicAddress,
        }).then(() => "reached", (error: unknown) => String(error));
        if (!/not on the public|no web address|user name or password|only the ports/.test(end)) {
          reached.push(`${host}: ${end}`);
        }
      }
      assert.deepEqual(reached, []);
      assert.deepEqual(web.seen, []);
    }));

  const PORTS = new Set([80, 443]);
  for (
    const url of [
      "ftp://a.test/",
      "file:///etc/passwd",
      "gopher://a.test:80/",
      "data:text/plain,x",
      "javascript:1",
      "ws://a.test/",
      "a.test/x",
      "http://",
      "http://a.test:8080/",
      "https://a.test:22/",
      "http://a.test:0/",
    ]
  ) it(`refuses ${url}`, () => assert.throws(() => checkedUrl(url, PORTS), { name: "WebError" }));

  it("takes the usual ports", () => {
    for (const url of ["http://a.test/", "https://a.test/", "http://a.test:443/"]) {
      assert.equal(checkedUrl(url, PORTS).hostname, "a.test");
    }
  });
});
