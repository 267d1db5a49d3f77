import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { guardPage, listenFrom } from "../../../src/features/demo/page_server.ts";
import { type HttpServer, startHttpServer } from "../../../src/host/http_server.ts";
import { HttpServerError } from "../../../src/host/listen.ts";

const handler = () => new Response("here");

/** How many times faster timers run in {@link withFeed}. */
const HASTE = 200;

/** A busy machine may be slower than hasty timers, which then end a connection before its answer. */
async function openFeed(port: number) {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {}); // a connection that is reset has ended too
    const closed = new Promise<string>((resolve) => socket.once("close", () => resolve("cut")));
    const begun = new Promise<string>((resolve) => socket.once("data", () => resolve("begun")));
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if (await Promise.race([begun, closed]) === "begun") return { socket, closed };
  }
}

/** Opens an answer without an end, such as the page's feed; `closed` resolves if it is cut. */
async function withFeed(
  start: () => Promise<HttpServer>,
  watch: (closed: Promise<string>) => Promise<void>,
): Promise<void> {
  const { setTimeout } = globalThis;
  const hasty = (run: () => void, ms = 0) => setTimeout(run, ms / HASTE);
  Object.assign(globalThis, { setTimeout: hasty });
  try {
    const server = await start();
    const { socket, closed } = await openFeed(server.port);
    await watch(closed);
    socket.destroy();
    await server.close();
  } finally {
    Object.assign(globalThis, { setTimeout });
  }
}

const endless = () =>
  new Response(new ReadableStream({ start: (feed) => feed.enqueue(new Uint8Array([33])) }));

describe("[O5] listenFrom()", () => {
  it("opens the wanted port, or the next one if it is in use", async () => {
    const first = await listenFrom(0, handler);
    const second = await listenFrom(first.port, handler);
    try {
      assert.ok(second.port > first.port);
      assert.ok(second.port < first.port + 100);
      assert.equal(await (await fetch(`http://127.0.0.1:${second.port}/`)).text(), "here");
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  it("keeps the page's feed open, unlike the bot's own server", async () => {
    await withFeed(
      () => startHttpServer({ port: 0 }, endless),
      async (closed) => assert.equal(await closed, "cut"),
    );
    await withFeed(
      () => listenFrom(0, endless),
      async (closed) => {
        const twoMinutes = sleep(2 * 60_000 / HASTE, "open");
        assert.equal(await Promise.race([closed, twoMinutes]), "open");
      },
    );
  });

  it("names the fix if all ports are in use", async () => {
    const holder = await listenFrom(65_535, handler).catch(() => undefined);
    try {
      await assert.rejects(listenFrom(65_535, handler), (error: unknown) => {
        assert.ok(error instanceof HttpServerError);
        assert.equal(error.kind, "port_in_use");
        assert.match(error.message, /--port/);
        return true;
      });
    } finally {
      await holder?.close();
    }
  });
});

const ask = (path: string, host: string, method = "GET", headers: Record<string, string> = {}) =>
  new Request(`http://${host}${path}`, {
    method,
    headers: { host, ...(method === "POST" && { "content-type": "application/json" }), ...headers },
  });

describe("[O5] guardPage()", () => {
  const guarded = guardPage(({ url }) => new Response(url));

  it("adds the headers of pages, also to a refusal", async () => {
    const answer = await guarded(ask("/", "127.0.0.1:8787"));
    assert.equal(await answer.text(), "http://127.0.0.1:8787/");
    const refused = await guarded(ask("/", "evil.example"));
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /the demo printed/);
    for (const { headers } of [answer, refused]) {
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("cache-control"), "no-store");
    }
  });
});
