import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  addressesOf,
  createPageGuard,
  guardPage,
  listenFrom,
  pageAccessOf,
} from "../../../src/features/demo/page_server.ts";
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

const ask = (path: string, host: string, method = "GET", headers: Record<string, string> = {}) =>
  new Request(`http://${host}${path}`, {
    method,
    headers: { host, ...(method === "POST" && { "content-type": "application/json" }), ...headers },
  });

describe("[O5] pageAccessOf()", () => {
  it("keeps the page on this machine, without a key, unless --host names another address", () => {
    assert.deepEqual(pageAccessOf(undefined), { names: ["127.0.0.1"] });
    assert.deepEqual(pageAccessOf("localhost"), { names: ["127.0.0.1"] });
    assert.deepEqual(pageAccessOf("::1"), { host: "::1", names: ["[::1]"] });
    assert.deepEqual(addressesOf(pageAccessOf(undefined), 8787), ["http://127.0.0.1:8787/"]);
  });

  it("makes a new key for each page that other machines can reach", () => {
    const access = pageAccessOf("192.0.2.7");
    assert.deepEqual(access.names, ["192.0.2.7"]);
    assert.equal(access.key?.length, 32);
    assert.notEqual(access.key, pageAccessOf("192.0.2.7").key);
    assert.deepEqual(addressesOf(access, 80), [`http://192.0.2.7:80/#${access.key}`]);
    assert.ok(pageAccessOf("0.0.0.0").names.every((name) => name !== "0.0.0.0"));
    assert.ok(pageAccessOf("0.0.0.0").names.length > 0);
  });
});

describe("[O5] createPageGuard()", () => {
  it("needs no key on this machine, and refuses other host names", () => {
    const refusalOf = createPageGuard(pageAccessOf(undefined));
    assert.equal(refusalOf(ask("/events", "127.0.0.1:8787")), undefined);
    assert.match(refusalOf(ask("/", "evil.example:8787")) ?? "", /the demo printed/);
  });

  it("needs the key for data and acts of a page that other machines can reach", () => {
    const access = pageAccessOf("192.0.2.7");
    const refusalOf = createPageGuard(access);
    const host = "192.0.2.7:8787";
    assert.equal(refusalOf(ask("/", host)), undefined);
    assert.equal(refusalOf(ask("/main.js", host)), undefined);
    for (
      const [path, method] of [["/events", "GET"], ["/files/1/2/a.txt", "GET"], ["/say", "POST"]]
    ) {
      assert.match(refusalOf(ask(path!, host, method)) ?? "", /ends with a key/);
      assert.match(refusalOf(ask(`${path}?key=wrong`, host, method)) ?? "", /ends with a key/);
      assert.equal(refusalOf(ask(`${path}?key=${access.key}`, host, method)), undefined);
    }
    assert.match(
      refusalOf(ask(`/events?key=${access.key}`, "evil.example")) ?? "",
      /the demo printed/,
    );
  });
});

describe("[O5] guardPage()", () => {
  const guarded = guardPage(pageAccessOf(undefined), ({ url }) => new Response(url));

  it("adds the headers of pages, also to a refusal", async () => {
    const answer = await guarded(ask("/", "127.0.0.1:8787"));
    assert.equal(await answer.text(), "http://127.0.0.1:8787/");
    const refused = await guarded(ask("/", "evil.example"));
    assert.equal(refused.status, 403);
    for (const { headers } of [answer, refused]) {
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("cache-control"), "no-store");
    }
  });
});
