import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { describe, it } from "node:test";
import {
  type HttpServer,
  type HttpServerSettings,
  isMissingLoopback,
  startHttpServer,
} from "../../src/host/http_server.ts";
import { HttpServerError } from "../../src/host/listen.ts";
import { createBoundedServer, type RequestHandler } from "../../src/host/bounded_server.ts";
import { ended, talk } from "../support/network/raw_client.ts";
import { listening } from "../support/network/listening.ts";

const QUICK = { headersMs: 200, requestMs: 300, keepAliveMs: 200, closeMs: 150 };
const SLOW = {
  headersMs: 60_000,
  requestMs: 60_000,
  keepAliveMs: 60_000,
  turnedAwayMs: 60_000,
  closeMs: 0,
};
const hello: RequestHandler = () => new Response("hello");

async function withServer(
  test: (server: HttpServer) => Promise<void>,
  handler: RequestHandler = hello,
  settings: Partial<HttpServerSettings> = {},
): Promise<void> {
  const server = await startHttpServer({ port: 0, bounds: QUICK, ...settings }, handler);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

async function taken(): Promise<{ port: number; free: () => Promise<void> }> {
  const other = createServer();
  const port = await listening(other);
  return { port, free: () => new Promise((resolve) => other.close(() => resolve())) };
}

describe("startHttpServer()", () => {
  it("[O1] listens on loopback in both families, at one port", async () => {
    await withServer(async ({ port, addresses }) => {
      assert.equal(addresses[0], "127.0.0.1");
      assert.ok(addresses.every((one) => ["127.0.0.1", "::1"].includes(one)));
      for (const address of addresses) {
        const host = address.includes(":") ? `[${address}]` : address;
        const response = await fetch(`http://${host}:${port}/`);
        assert.equal(await response.text(), "hello");
      }
    });
  });

  it("refuses an address that this machine does not have", async () => {
    await assert.rejects(
      startHttpServer({ port: 0, bind: ["192.0.2.1"], token: "t".repeat(32) }, hello),
      { kind: "no_such_address", address: "192.0.2.1" },
    );
  });

  for (
    const [kind, address, isLeftOut] of [
      ["no_such_address", "::1", true],
      ["no_such_address", "192.0.2.1", false],
      ["port_in_use", "::1", false],
    ] as const
  ) {
    it(`${isLeftOut ? "leaves" : "does not leave"} out ${address} for ${kind}`, () => {
      const error = new HttpServerError("no", { kind, address, port: 8787 });
      assert.equal(isMissingLoopback(error), isLeftOut);
    });
  }

  it("names the port in use, and listens at no address", async () => {
    const { port, free } = await taken();
    try {
      await assert.rejects(
        startHttpServer({ port, bind: ["::1", "127.0.0.1"] }, hello),
        (error) => {
          assert.ok(error instanceof HttpServerError);
          assert.equal(error.kind, "port_in_use");
          assert.equal(error.port, port);
          assert.match(error.message, new RegExp(`port ${port}.+http\\.port`));
          return true;
        },
      );
    } finally {
      await free();
    }
    await withServer(() => Promise.resolve(), hello, { port }); // nothing of it was left
  });

  it("[O1] tries the ports after it, as many as it is told", async () => {
    const { port, free } = await taken();
    try {
      await assert.rejects(startHttpServer({ port, tries: 1 }, hello), { kind: "port_in_use" });
      await withServer(
        (server) => Promise.resolve(assert.ok(server.port > port && server.port < port + 100)),
        hello,
        { port, tries: 100 },
      );
    } finally {
      await free();
    }
  });

  const binds: readonly [bind: string, token: string | undefined, starts: boolean][] = [
    ["127.0.0.1 0.0.0.0", undefined, false],
    ["0.0.0.0", undefined, false],
    ["0.0.0.0", "t".repeat(31), false],
    ["0.0.0.0", "t".repeat(32), true],
    ["::", undefined, false],
    ["localhost", undefined, false], // a name may mean anything
    ["127.0.0.1", undefined, true],
  ];
  for (const [bind, token, starts] of binds) {
    const by = token === undefined ? "without a token" : `with a token of ${token.length}`;
    it(`[SEC-R30] ${starts ? "starts" : "refuses to start"} on ${bind} ${by}`, async () => {
      const settings = { bind: bind.split(" "), ...(token !== undefined && { token }) };
      const started = withServer(() => Promise.resolve(), hello, settings);
      if (starts) await started;
      else await assert.rejects(started, { kind: "unsafe_bind", address: bind.split(" ").at(-1) });
    });
  }

  it("[SEC-R35] refuses headers of more than 8 KB", async () => {
    await withServer(async ({ port }) => {
      const heard = await talk(
        port,
        `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
      );
      assert.doesNotMatch(heard, /200 OK|hello/);
      assert.match(heard, /^HTTP\/1\.1 431 .*\r\nConnection: close\r\n/);
      assert.match(heard, /more than 8 KiB\. In a browser, delete the cookies of this address\n$/);
      assert.equal(heard.split("HTTP/1.1").length, 2);
    });
  });

  for (
    const [what, header] of [
      ["of more than 64 KiB", "Content-Length: 65537"],
      ["without an announced size", "Transfer-Encoding: chunked"],
    ] as const
  ) {
    it(`[SEC-R35] disconnects a client at once that sends a body ${what}`, async () => {
      const bounds = { headersMs: 600_000, requestMs: 600_000, keepAliveMs: 600_000, closeMs: 0 };
      await withServer(
        async ({ port }) => {
          const heard = await talk(port, `POST / HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n`);
          assert.equal(heard, "");
        },
        hello,
        { bounds },
      );
    });
  }

  it("[SEC-R35] collects garbage after 4,000 connections and requests", () => {
    let collected = 0;
    const server = createBoundedServer(hello, QUICK, new Set(), () => void collected++);
    for (let count = 1; count < 4_000; count++) server.emit("connection", new Socket());
    assert.equal(collected, 0);
    server.emit("connection", new Socket());
    assert.equal(collected, 1);
    server.closeAllConnections();
  });

  it("[SEC-R35] ends a connection after a hundred requests", async () => {
    await withServer(
      async ({ port }) => {
        const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const socket = connect(port, "127.0.0.1");
        const answers: string[] = [];
        // One request at a time: unread requests would let the kernel reset the connection.
        socket.on("error", () => {}); // a connection that is reset has ended too
        socket.on("data", (data) => {
          answers.push(String(data));
          if (answers.length < 100) socket.write(request);
        });
        socket.write(request);
        await ended(socket);
        assert.deepEqual(
          answers.map((one) => /^connection: close\r$/im.test(one)),
          [...Array<boolean>(99).fill(false), true],
        );
      },
      hello,
      { bounds: SLOW },
    );
  });

  it("[SEC-R35] answers whole on a connection that has become old, and then ends it", async () => {
    await withServer(
      async ({ port }) => {
        const heard = await talk(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert.match(heard, /^connection: close\r$/im);
        assert.match(heard, /late/);
      },
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return new Response("late");
      },
      { bounds: { ...SLOW, reuseMs: 0 } },
    );
  });

  it("[SEC-R35] ends a connection whose answer takes too long", async () => {
    await withServer(
      async ({ port }) => {
        assert.equal(await talk(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
        const body = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
        assert.equal(await talk(port, body), "");
      },
      async (request) => {
        await request.text();
        return new Promise(() => {}); // an answer that never comes
      },
      { bounds: { ...SLOW, answerMs: 50 } },
    );
  });

  it("[SEC-R35] ends a connection without a place that sends no request in time", async () => {
    const limits = { total: 1, perAddress: 1, keptForLoopback: 0 };
    await withServer(
      async ({ port }) => {
        const silent = talk(port, "");
        const next = talk(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert.equal(await silent, "");
        assert.match(await next, / 200 OK/);
      },
      hello,
      { bounds: { ...SLOW, turnedAwayMs: 50, reuseMs: 0, limits } },
    );
  });

  const hooks = { limits: { total: 512, perAddress: 256, keptForLoopback: 64 } };
  for (const [port, limits, clients] of [["hooks", hooks, 1_000], ["any", {}, 2_000]] as const) {
    it(`[W1] [SEC-R35] answers each of ${clients} clients at one instant, some with 503: ${port}`, async () => {
      const bounds = { ...SLOW, maxBodyBytes: 1_000_000, ...limits };
      let handled = 0;
      let sent = 0;
      const allSent = Promise.withResolvers<void>();
      await withServer(async ({ port }) => {
        const send = async (): Promise<number> => {
          const socket = connect(port, "127.0.0.1");
          await once(socket, "connect");
          socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
          if (++sent === clients) allSent.resolve();
          let heard = "";
          for await (const piece of socket) {
            heard += piece;
            if (heard.includes("\r\n\r\n")) break;
          }
          return Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1]);
        };
        const all = await Promise.all(Array.from({ length: clients }, send));
        const count = (status: number) => all.filter((one) => one === status).length;
        assert.equal(count(200) + count(503), clients);
        assert.equal(count(200), handled, "a client that got 503 sends again");
        assert.ok(handled > 0);
      }, async (request) => {
        handled += 1;
        await request.text();
        await allSent.promise; // so all are open at once
        return new Response("stored");
      }, { bounds });
    });
  }

  it("closes in time although connections are open", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const server = await startHttpServer({ port: 0, bounds: QUICK }, () => {
      resolve();
      return new Promise(() => {}); // an answer that never comes
    });
    const left = talk(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await asked;
    await server.close();
    assert.equal(await left, "");
    await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`));
  });

  it("may be closed twice", async () => {
    const server = await startHttpServer({ port: 0, bounds: QUICK }, hello);
    await Promise.all([server.close(), server.close()]);
  });
});
