import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHttpTransport } from "../../src/mcp/http.ts";
import { createSilentBody } from "../support/network/silent_body.ts";

describe("[T6] createHttpTransport()", () => {
  it("closes a stream of events with its connection, even if the body ignores the signal", async () => {
    const { stream, isCancelled } = createSilentBody(": hello\n\n");
    const real = globalThis.fetch;
    globalThis.fetch = () => Promise.resolve(new Response(stream));
    try {
      const { transport } = createHttpTransport("far", { url: "http://a.example/", headers: {} });
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
