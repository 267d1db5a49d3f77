import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { startSimulator } from "../../../simulator/simulator.ts";
import { connectReady, soon, withSimulator } from "../raw_client.ts";

/** All data that a plain TCP client gets until the server ends the connection. */
async function talk(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk;
  });
  socket.on("error", (error: Error & { code?: string }) => {
    heard += error.code;
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(text);
  await closed; // once() of node:events would reject for the error that some tests wait for
  return heard;
}

const UPGRADE = "GET /?v=10&encoding=json HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

describe("[G2] gateway sockets", () => {
  const wrong: readonly [string, string, RegExp][] = [
    ["no upgrade", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["no key", UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, "") + "\r\n", /^HTTP\/1\.1 400 /],
    ["another version", UPGRADE.replace(": 13", ": 8") + "\r\n", /^HTTP\/1\.1 400 /],
    ["a head without end", "x".repeat(20_000), /^(?:ECONNRESET|EPIPE)?$/],
    ["a frame without a mask", `${UPGRADE}\r\n\x81\x02{}`, /^HTTP\/1\.1 101 /],
  ];
  for (const [what, text, answer] of wrong) {
    it(`ends a connection with ${what}`, () =>
      withSimulator(async (sim) => assert.match(await talk(sim.gatewayUrl, text), answer)));
  }

  it("answers the handshake of the RFC's example", () =>
    withSimulator(async (sim) => {
      const talked = talk(sim.gatewayUrl, `${UPGRADE}\r\n`);
      await sim.until(() => sim.faults.gateway.drop("fin") > 0 || undefined, soon());
      assert.match(await talked, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    }));

  it("resets on request", () =>
    withSimulator(async (sim) => {
      sim.faults.gateway.welcome = "reset";
      assert.equal(await talk(sim.gatewayUrl, `${UPGRADE}\r\n`), "ECONNRESET");
    }));

  it("close() ends connections of clients that stay", async () => {
    const sim = await startSimulator();
    const gateway = await connectReady(sim);
    sim.faults.gateway.freeze();
    await sim.close();
    assert.notEqual(await gateway.closed, 1000);
  });
});
