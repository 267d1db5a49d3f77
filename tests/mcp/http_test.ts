import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createMCPClient } from "@ai-sdk/mcp";
import { schedule } from "../../src/lib/clock.ts";
import { createHttpTransport } from "../../src/mcp/http.ts";
import { createSilentBody } from "../support/network/silent_body.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server, and a connection to it whose waits are over at once. */
async function serve(answer: Answer, headers: Readonly<Record<string, string>> = {}) {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const waits: number[] = [];
  const schedule = (work: () => void, ms: number) => {
    waits.push(ms);
    queueMicrotask(work);
    return () => {};
  };
  return {
    ...createHttpTransport("far", { url: `${origin}/mcp`, headers }, schedule),
    ...{ origin, waits },
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const STREAM = { "content-type": "text/event-stream" };

describe("[T6] createHttpTransport()", () => {
  it("sends no header to another address: a redirect is an error", async () => {
    const seen: string[] = [];
    const see = ({ url, headers }: IncomingMessage) => seen.push(`${url} ${headers["x-key"]}`);
    using other = await serve((request, response) => {
      see(request);
      response.end("{}");
    });
    using first = await serve((request, response) => {
      see(request);
      // Deno follows no 302 with a body that it can read only once, whatever the mode.
      response.writeHead(303, { location: `${other.origin}/stolen` }).end();
    }, { "x-key": "secret" });
    await assert.rejects(createMCPClient({ transport: first.transport }));
    assert.ok(seen.length > 0 && seen.every((line) => line === "/mcp secret"), seen.join());
  });

  it("names a server that speaks only the transport before", async () => {
    using server = await serve((request, response) => {
      if (request.method !== "GET") return void response.writeHead(405).end();
      response.writeHead(200, STREAM).write("event: endpoint\ndata: /messages?session=1\n\n");
    });
    assert.equal(await server.oldTransport(), undefined);
    await assert.rejects(createMCPClient({ transport: server.transport }));
    assert.match((await server.oldTransport())?.message ?? "", /only the old SSE transport/);
  });

  const ways: readonly (readonly [how: string, next: string | undefined])[] = [
    ["with new ids", "id: event-1\r\n"],
    ["with one id", ""],
    ["that continues nothing", undefined],
  ];
  for (const [how, next] of ways) {
    it(`asks for the rest of an answer behind its last event, at a server ${how}`, async () => {
      const from: unknown[] = [];
      using server = await serve((request, response) => {
        if (request.method === "POST") {
          return void response.writeHead(200, STREAM)
            .end('id: event-0\nretry: 150\ndata: \n\ndata: {"jsonrpc":"2.0","met');
        }
        from.push(request.headers["last-event-id"]);
        if (next === undefined) return void response.writeHead(404).end();
        response.writeHead(200, STREAM).end(
          from.length < 2
            ? `${next}retry: 250\r\ndata:\r\n\r\n`
            : 'data: {"jsonrpc":"2.0","id":7,"result":"ahoy"}\n\n',
        );
      });
      const body = '{"jsonrpc":"2.0","id":7,"method":"tools/call"}';
      const { transport: { url, fetch }, waits } = server;
      const text = await (await fetch(url, { method: "POST", body })).text();
      assert.match(text, next === undefined ? /connection was lost before the answer/ : /ahoy/);
      const last = next ? "event-1" : "event-0";
      assert.deepEqual(from, next === undefined ? ["event-0"] : ["event-0", last]);
      assert.deepEqual(waits, next === undefined ? [150] : [150, 250]);
    });
  }

  it("closes a stream of events with its connection, even if the body ignores the signal", async () => {
    const { stream, isCancelled } = createSilentBody(": hello\n\n");
    const real = globalThis.fetch;
    globalThis.fetch = () => Promise.resolve(new Response(stream));
    try {
      const { transport } = createHttpTransport(
        "far",
        { url: "http://a.example/", headers: {} },
        schedule,
      );
      const stop = new AbortController();
      const response = await transport.fetch(transport.url, { signal: stop.signal });
      const reading = assert.rejects(response.text(), { name: "AbortError" });
      setTimeout(() => stop.abort());
      await reading;
      assert.ok(isCancelled());
    } finally {
      globalThis.fetch = real;
    }
  });
});
