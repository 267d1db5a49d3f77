import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import {
  type AnswerHooks,
  createExchanges,
  type ExchangeLimits,
  parseApiUrl,
} from "../../../../src/discord/rest/exchange/exchange.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { PLAIN_HEADER } from "../../../../src/lib/network/fetch_plain.ts";
import { createSilentBody } from "../../../support/network/silent_body.ts";
import { createVirtualTime } from "../virtual_time.ts";

const ANY = "http://a.example/";

type Fields = Partial<ExchangeLimits & Parameters<typeof createExchanges>[0]>;

function open({ timeoutMs = 60_000, maxBytes = 16 * 1024 * 1024, signal, ...deps }: Fields = {}) {
  const { exchange, stop } = createExchanges({
    fetch: globalThis.fetch,
    schedule,
    ...deps,
  });
  const ask = (url: string, hooks?: AnswerHooks) =>
    // With this header, as the client sends it, no runtime inflates the answer.
    exchange(url, { headers: [[...PLAIN_HEADER]] }, { timeoutMs, maxBytes, signal }, hooks);
  return { ask, stop };
}

/** A server that sends these bytes on each request, and nothing else. */
async function withServer(
  bytes: string | readonly [head: string, body: Uint8Array],
  then: "hold" | "end" | "reset",
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined); // the client closes the connection; that is the test
    socket.once("data", () => {
      const [head, body] = typeof bytes === "string" ? [bytes, ""] : bytes;
      socket.write(head);
      socket.write(body, () => {
        if (then === "end") socket.end();
        if (then === "reset") socket.resetAndDestroy();
      });
    });
    open.push(() => socket.destroy());
  });
  const open: (() => void)[] = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    await use(typeof address === "object" && address ? `http://127.0.0.1:${address.port}/` : "");
  } finally {
    open.forEach((destroy) => destroy());
    await new Promise((resolve) => server.close(resolve));
  }
}

describe("[D6] createExchanges()", () => {
  const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n";
  const hangs: readonly [name: string, bytes: string][] = [
    ["says nothing", ""],
    ["sends half a header", "HTTP/1.1 200"],
    ["sends no body", HEAD],
    ["sends half a body", `${HEAD}{"id":`],
  ];
  for (const [name, bytes] of hangs) {
    it(`gives up on a server that ${name}`, async () => {
      await withServer(bytes, "hold", async (url) => {
        await assert.rejects(open({ timeoutMs: 150 }).ask(url), {
          name: "TimeoutError",
          message: "nothing within 150 ms",
        });
      });
    });
  }

  for (const then of ["end", "reset"] as const) {
    it(`fails on a body that is truncated by ${then}`, async () => {
      await withServer(`${HEAD}{"id":`, then, async (url) => {
        await assert.rejects(open().ask(url));
      });
    });
  }

  it("follows no redirect, because the token would go along", async () => {
    const bytes = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    await withServer(bytes, "hold", async (url) => {
      assert.equal((await open().ask(url)).status, 302);
    });
  });

  it("closes a body that ignores the signal at the deadline", async () => {
    const time = createVirtualTime();
    const { stream, isCancelled } = createSilentBody('{"id":');
    const { ask } = open({
      fetch: () => Promise.resolve(new Response(stream)),
      schedule: time.schedule,
    });
    await assert.rejects(time.run(ask(ANY)), { name: "TimeoutError" });
    assert.ok(isCancelled());
  });

  it("closes a body that comes after the deadline", async () => {
    const time = createVirtualTime();
    const { stream, isCancelled } = createSilentBody('{"id":');
    const late = Promise.withResolvers<Response>();
    const { ask } = open({
      fetch: () => late.promise,
      schedule: time.schedule,
    });
    const log: string[] = [];
    const hooks = { onAnswerStarted: () => void log.push("started") };
    await assert.rejects(time.run(ask(ANY, hooks)), { name: "TimeoutError" });
    late.resolve(new Response(stream));
    await setImmediate();
    assert.ok(isCancelled());
    assert.deepEqual(log, []);
  });

  it("rejects an endless response, and stops reading it", async () => {
    const page = new Uint8Array(1024 * 1024);
    let pages = 0;
    let isLetGo = false;
    const body = new ReadableStream({
      pull: (controller) => {
        pages += 1;
        controller.enqueue(page);
      },
      cancel: () => void (isLetGo = true),
    });
    const { ask } = open({ fetch: () => Promise.resolve(new Response(body)) });
    await assert.rejects(ask(ANY), /more than 16 MiB/);
    assert.ok(pages < 20, String(pages));
    assert.ok(isLetGo);
  });

  const BODY = "a".repeat(2_000);
  const beyond: readonly [name: string, bytes: string][] = [
    ["its length", `content-length: ${BODY.length}\r\n\r\n${BODY}`],
    [
      "chunks, whatever its length says",
      `content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n${BODY}\r\n0\r\n\r\n`,
    ],
    ["no length", `\r\n${BODY}`],
  ];
  for (const [name, bytes] of beyond) {
    it(`rejects a response that is too large by ${name}`, async () => {
      await withServer(`HTTP/1.1 200 OK\r\n${bytes}`, "end", async (url) => {
        await assert.rejects(open({ maxBytes: 1_000 }).ask(url), RangeError);
        assert.equal((await open({ maxBytes: 2_000 }).ask(url)).text, BODY);
      });
    });
  }

  it("rejects a compressed response that is too large", async () => {
    const gzip = gzipSync(BODY);
    const head = `content-encoding: gzip\r\ncontent-length: ${gzip.length}\r\n\r\n`;
    await withServer([`HTTP/1.1 200 OK\r\n${head}`, gzip], "end", async (url) => {
      await assert.rejects(open({ maxBytes: 1_000 }).ask(url), RangeError);
      assert.equal((await open({ maxBytes: 2_000 }).ask(url)).text, BODY);
    });
  });
});

describe("[G14] parseApiUrl()", () => {
  const good: readonly [text: string, base: string][] = [
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api/", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api/v10", "http://127.0.0.1:8080/api"],
    [" http://localhost:1 \n", "http://localhost:1/api"],
    ["http://[::1]:1", "http://[::1]:1/api"],
    ["http://127.9.9.9", "http://127.9.9.9/api"],
    ["https://proxy.example", "https://proxy.example/api"],
    ["https://Proxy.Example:8443/api/v10/", "https://proxy.example:8443/api"],
  ];
  for (const [text, base] of good) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseApiUrl(text), { base }));
  }

  const bad: readonly [text: string, why: RegExp][] = [
    ["", /not a URL/],
    ["127.0.0.1:8080", /not a URL|begins with/],
    ["localhost:8080", /begins with localhost:/],
    ["ws://127.0.0.1", /begins with ws:\/\/: expected/],
    ["file:///api", /begins with file:\/\/: expected/],
    ["http://discord.example", /plain http to discord\.example.*use https/],
    ["http://localhost.example", /plain http/],
    ["http://127.0.0.1.example", /plain http/],
    ["http://0.0.0.0:1", /plain http/],
    ["http://192.168.1.2", /plain http/],
    ["https://a.example/api/v9", /more than a host, "\/api\/v9"/],
    ["https://a.example/other", /more than a host/],
    ["https://a.example/api?x=1", /more than a host/],
    ["https://a.example/api#x", /more than a host/],
    ["https://me:hunter2@a.example", /user name or password/],
  ];
  for (const [text, why] of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = parseApiUrl(text);
      assert.ok("problem" in result);
      assert.match(result.problem, why);
      assert.doesNotMatch(result.problem, /hunter2/);
    });
  }
});
