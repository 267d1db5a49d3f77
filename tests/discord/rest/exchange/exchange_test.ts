import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { describe, it } from "node:test";
import { exchange, type ExchangeDeps } from "../../../../src/discord/rest/exchange/exchange.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { createSilentBody } from "../../../support/network/silent_body.ts";
import { createVirtualTime } from "../virtual_time.ts";

const NEVER = new Promise<never>(() => {});

function depsOf(fields: Partial<ExchangeDeps>): ExchangeDeps {
  return {
    fetch: globalThis.fetch,
    timeoutMs: 5_000,
    maxBytes: 16 * 1024 * 1024,
    schedule,
    signals: [new AbortController().signal],
    ...fields,
  };
}

/** A server that sends these bytes on each request, and nothing else. */
async function withServer(
  bytes: string,
  then: "hold" | "end" | "reset",
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined); // the client closes the connection; that is the test
    socket.once("data", () => {
      socket.write(bytes, () => {
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

describe("[D6] exchange()", () => {
  it("reads a response to its end", async () => {
    await withServer(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\n{}",
      "hold",
      async (url) => {
        const answer = await exchange(url, {}, depsOf({}));
        assert.deepEqual([answer.status, answer.text, answer.headers.get("x-a")], [200, "{}", "b"]);
      },
    );
  });

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
        await assert.rejects(exchange(url, {}, depsOf({ timeoutMs: 150 })), {
          name: "TimeoutError",
          message: "nothing within 150 ms",
        });
      });
    });
  }

  for (const then of ["end", "reset"] as const) {
    it(`fails on a body that is truncated by ${then}`, async () => {
      await withServer(`${HEAD}{"id":`, then, async (url) => {
        await assert.rejects(exchange(url, {}, depsOf({})));
      });
    });
  }

  it("follows no redirect, because the token would go along", async () => {
    const bytes = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    await withServer(bytes, "hold", async (url) => {
      assert.equal((await exchange(url, {}, depsOf({}))).status, 302);
    });
  });

  it("rejects at the deadline even if the runtime ignores the signal", async () => {
    const time = createVirtualTime();
    const deps = depsOf({ fetch: () => NEVER, schedule: time.schedule });
    await assert.rejects(time.run(exchange("http://a.example/", {}, deps)), {
      name: "TimeoutError",
    });
    const body = new Response(new ReadableStream({ pull: () => NEVER }));
    const silent = depsOf({ fetch: () => Promise.resolve(body), schedule: time.schedule });
    await assert.rejects(time.run(exchange("http://a.example/", {}, silent)), {
      name: "TimeoutError",
    });
  });

  it("closes a body that ignores the signal at the deadline", async () => {
    const time = createVirtualTime();
    const { stream, isCancelled } = createSilentBody('{"id":');
    const deps = depsOf({
      fetch: () => Promise.resolve(new Response(stream)),
      schedule: time.schedule,
    });
    await assert.rejects(time.run(exchange("http://a.example/", {}, deps)), {
      name: "TimeoutError",
    });
    assert.ok(isCancelled());
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
    const deps = depsOf({ fetch: () => Promise.resolve(new Response(body)) });
    await assert.rejects(exchange("http://discord.test/", {}, deps), /more than 16 MiB/);
    assert.ok(pages < 20, String(pages));
    assert.ok(isLetGo);
  });

  it("stops on an aborted signal, and leaves no timer", async () => {
    const time = createVirtualTime();
    const stop = new AbortController();
    const deps = depsOf({ fetch: () => NEVER, schedule: time.schedule, signals: [stop.signal] });
    const ended = assert.rejects(exchange("http://a.example/", {}, deps), /stopping/);
    stop.abort(new Error("stopping"));
    await ended;
    assert.equal(time.pending, 0);
    await assert.rejects(exchange("http://a.example/", {}, deps), /stopping/);
  });

  it("leaves no listener on the signal that all requests share", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const watched: AbortSignal = Object.assign(Object.create(signal), {
      throwIfAborted: () => signal.throwIfAborted(),
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    });
    const fetch = () => Promise.resolve(new Response("{}"));
    await exchange("http://a.example/", {}, depsOf({ fetch, signals: [watched] }));
    assert.equal(listeners, 0);
  });

  it("calls the hooks after the headers and after the body", async () => {
    const log: string[] = [];
    const body = new ReadableStream({
      pull(controller) {
        log.push("body");
        controller.enqueue(new TextEncoder().encode("{}"));
        controller.close();
      },
    }, { highWaterMark: 0 });
    const response = new Response(body);
    const hooks = {
      onAnswerStarted: () => void log.push("started"),
      onAnswered: () => void log.push("answered"),
    };
    const deps = depsOf({ fetch: () => Promise.resolve(response) });
    await exchange("http://a.example/", {}, deps, hooks);
    assert.deepEqual(log, ["started", "body", "answered"]);
  });
});
