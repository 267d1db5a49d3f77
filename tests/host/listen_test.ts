import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  HttpServerError,
  listenForHealth,
  type PortRules,
  type StartServer,
} from "../../src/host/listen.ts";
import type { HttpServer } from "../../src/host/http_server.ts";
import { sameData } from "../support/same_data.ts";

const handler = () => new Response("here");

/** Starts no server, and fails at ports that are in use. */
function starting(...used: readonly number[]) {
  const tried: number[] = [];
  const start: StartServer = ({ port }) => {
    tried.push(port);
    if (used.includes(port)) {
      const details = { kind: "port_in_use", address: "127.0.0.1", port } as const;
      return Promise.reject(new HttpServerError(`port ${port} is in use`, details));
    }
    return Promise.resolve({ port } as HttpServer);
  };
  return { start, tried };
}

const listen = (start: StartServer, rules: Partial<PortRules> = {}) =>
  listenForHealth(
    { port: 8_787 },
    { isWritten: false, isRequired: false, ...rules },
    handler,
    start,
  );

describe("[O1] listenForHealth()", () => {
  it("listens on the wanted port", async () => {
    const { start } = starting();
    sameData(await listen(start), { kind: "listening", server: { port: 8_787 } });
  });

  for (const isRequired of [false, true]) {
    it(`takes the next free port instead of the default one, required: ${isRequired}`, async () => {
      const { start } = starting(8_787, 8_788);
      assert.deepEqual(await listen(start, { isRequired }), {
        kind: "listening",
        server: { port: 8_789 },
        insteadOf: 8_787,
      });
    });
  }

  it("runs without a server if the config names a port that is in use", async () => {
    const { start, tried } = starting(8_787);
    const listening = await listen(start, { isWritten: true });
    assert.equal(listening.kind, "none");
    assert.deepEqual(tried, [8_787]);
  });

  it("fails if that port is required", async () => {
    const { start } = starting(8_787);
    await assert.rejects(listen(start, { isWritten: true, isRequired: true }), HttpServerError);
  });

  it("runs without a server if no port is free", async () => {
    const { start, tried } = starting(...Array.from({ length: 200 }, (_, at) => 8_787 + at));
    assert.equal((await listen(start)).kind, "none");
    assert.equal(tried.length, 100);
  });

  it("fails for any other reason at once", async () => {
    const tried: number[] = [];
    const start: StartServer = ({ port }) => {
      tried.push(port);
      return Promise.reject(
        new HttpServerError("no", { kind: "unsafe_bind", address: "0.0.0.0", port }),
      );
    };
    await assert.rejects(listen(start), HttpServerError);
    assert.deepEqual(tried, [8_787]);
  });
});
