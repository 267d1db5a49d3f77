import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listenFrom } from "../../../../src/cli/demo/page/listen.ts";
import { HttpServerError } from "../../../../src/host/http_server_error.ts";

const handler = () => new Response("here");

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
