import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { createMCPClient } from "@ai-sdk/mcp";
import { schedule } from "../../src/lib/clock.ts";
import { createHttpTransport } from "../../src/mcp/http.ts";
import { createSilentBody } from "../support/network/silent_body.ts";

describe("[T6] createHttpTransport()", () => {
  it("sends no header to another address: a redirect is an error", async () => {
    const seen: string[] = [];
    const serve = async (answer: (response: ServerResponse) => void) => {
      const server = createServer((request, response) => {
        seen.push(`${request.url} ${request.headers["x-key"] ?? "-"}`);
        answer(response);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      return { server, origin: `http://127.0.0.1:${port}` };
    };
    const other = await serve((response) => response.end("{}"));
    const first = await serve((response) => {
      // Deno follows no 302 with a body that it can read only once, whatever the mode.
      response.writeHead(303, { location: `${other.origin}/stolen` }).end();
    });
    try {
      const url = `${first.origin}/mcp`;
      const { transport } = createHttpTransport(
        "far",
        { url, headers: { "x-key": "secret" } },
        schedule,
      );
      const client = await createMCPClient({ transport }).then(
        () => "connected",
        (error: unknown) => `${error}`,
      );
      assert.notEqual(client, "connected");
      assert.ok(seen.length > 0 && seen.every((line) => line === "/mcp secret"), seen.join());
    } finally {
      for (const { server } of [first, other]) server.close();
    }
  });

  it("names a server that speaks only the transport before", async () => {
    const server = createServer((request, response) => {
      if (request.method !== "GET") return void response.writeHead(405).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: endpoint\ndata: /messages?session=1\n\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
    try {
      const { transport, oldTransport } = createHttpTransport(
        "far",
        { url, headers: {} },
        schedule,
      );
      assert.equal(await oldTransport(), undefined);
      await assert.rejects(createMCPClient({ transport }));
      assert.match((await oldTransport())?.message ?? "", /only the old SSE transport/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

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
