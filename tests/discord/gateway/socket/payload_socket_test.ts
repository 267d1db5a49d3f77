import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openPayloadSocket } from "../../../../src/discord/gateway/socket/socket.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { type FakeGateway, startFakeGateway } from "../../../support/gateway/fake_gateway.ts";

const cleanups = cleanUpAfterEach();

async function open(compress: boolean) {
  const gateway: FakeGateway = await startFakeGateway({ saysHello: false });
  cleanups.push(() => gateway.stop());
  const calls: string[] = [];
  const url = new URL(gateway.url + (compress ? "/?compress=zlib-stream" : ""));
  const connection = openPayloadSocket({
    url,
    compress,
    tcpKeepaliveSec: 30,
    connectTimeoutMs: 60_000, // a busy machine may stop this process for seconds
    userAgent: "test",
  }, {
    onOpen: () => void calls.push("open"),
    onText: (text) => void calls.push(text),
    onGarbled: (reason) => void calls.push(`garbled: ${reason}`),
    onClose: ({ code }) => void calls.push(`closed: ${code}`),
  });
  cleanups.push(() => connection.close(3000));
  await gateway.until(() => gateway.connections.length === 1 && calls.length === 1, "the 101");
  return { gateway, connection, calls };
}

/** More than a socket's buffers can take: each text has another length, and contains its number. */
const EVENTS = Array.from(
  { length: 10_000 },
  (_, s) => `{"t":"MESSAGE_CREATE","s":${s},"op":0,"d":{"content":"${"é".repeat(s % 211)}"}}`,
);

describe("[G8] 10,000 events, one after the other, over a socket", () => {
  const patience = { timeout: 60_000 };

  for (const compress of [false, true]) {
    it(
      `arrive whole and in order, ${compress ? "by zlib-stream" : "plain"}`,
      patience,
      async () => {
        const { gateway, calls } = await open(compress);
        for (const event of EVENTS) gateway.connections[0]!.sendText(event);
        await gateway.until(() => calls.length > EVENTS.length, "all events");
        assert.deepEqual(calls.slice(1), EVENTS);
      },
    );
  }

  it("arrive although the reader pauses again and again", patience, async () => {
    const { gateway, connection, calls } = await open(true);
    for (const event of EVENTS) gateway.connections[0]!.sendText(event);
    for (let seen = -1; calls.length <= EVENTS.length;) {
      if (calls.length === seen) connection.setPaused(false);
      else connection.setPaused(true);
      seen = calls.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(calls.slice(1), EVENTS);
  });
});

for (const compress of [false, true]) {
  describe(`[G1] [G8] openPayloadSocket(), ${compress ? "compressed" : "plain"}`, () => {
    it("reports the end only after all earlier data", async () => {
      const { gateway, calls } = await open(compress);
      for (let i = 0; i < 50; i++) gateway.connections[0]!.sendText(`{"i":${i}}`);
      gateway.connections[0]!.close(4000);
      await gateway.until(() => calls.at(-1) === "closed: 4000", "the end");
      assert.equal(calls.length, 52);
      assert.equal(calls[50], '{"i":49}');
    });

    it("lets the server wait while the reader is full", async () => {
      const { gateway, connection, calls } = await open(compress);
      connection.setPaused(true);
      gateway.connections[0]!.sendText("{}");
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.deepEqual(calls, ["open"]);
      connection.setPaused(false);
      await gateway.until(() => calls.length === 2, "the text");
    });
  });
}
