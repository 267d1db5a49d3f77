import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listenFrom } from "../../../src/cli/demo/page_server.ts";
import { type HttpServer, startHttpServer } from "../../../src/host/http_server.ts";
import { HttpServerError } from "../../../src/host/http_server_error.ts";

const handler = () => new Response("here");

/** How many times faster timers run in {@link withFeed}. */
const HASTE = 200;

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
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {}); // a connection that is reset has ended too
    const closed = new Promise<string>((resolve) => socket.once("close", () => resolve("cut")));
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
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
    const first = await listenFrom({ port: 0 }, handler);
    const second = await listenFrom({ port: first.port }, handler);
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
      () => listenFrom({ port: 0 }, endless),
      async (closed) => {
        const twoMinutes = sleep(2 * 60_000 / HASTE, "open");
        assert.equal(await Promise.race([closed, twoMinutes]), "open");
      },
    );
  });

  it("names the fix if all ports are in use", async () => {
    const holder = await listenFrom({ port: 65_535 }, handler).catch(() => undefined);
    try {
      await assert.rejects(listenFrom({ port: 65_535 }, handler), (error: unknown) => {
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
