import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { probeGateway } from "../../../../src/discord/gateway/socket/socket.ts";
import { cleanUpAfterEach } from "../../../support/cleanups.ts";
import { startConnectProxy } from "../../../support/network/connect_proxy.ts";
import { fakeGatewaysOf } from "../../../support/gateway/fake_gateway.ts";

const cleanups = cleanUpAfterEach();
const fake = fakeGatewaysOf(cleanups);

type Connection = Awaited<ReturnType<typeof fake>>["connections"][number];

const OPTIONS = { timeoutMs: 60_000, userAgent: "DiscordBot (probe)" };

describe("[G13] probeGateway()", () => {
  it("connects until HELLO, never identifies, and closes normally", async () => {
    const gateway = await fake({ heartbeatMs: 41_250 });
    const stage = await probeGateway({ ...OPTIONS, url: gateway.url });
    assert.ok(stage.kind === "ok");
    assert.equal(stage.found.heartbeatIntervalMs, 41_250);
    assert.ok(stage.found.openMs <= stage.ms);
    await gateway.until(() => gateway.connections[0]?.closeCode === 1000, "the end");
    assert.deepEqual(gateway.connections[0]?.received, [], "it sends nothing");
    assert.match(gateway.connections[0]?.path ?? "", /v=10&encoding=json$/);
    assert.equal(gateway.connections[0]?.userAgent, OPTIONS.userAgent);
  });

  const faults = [
    ["an upgrade that hangs", { upgrade: "hang" }, "no answer to the upgrade in time", 2_000],
    ["a server that only answers HTTP", { upgrade: "502" }, "HTTP 502", 60_000],
    ["something else", { upgrade: "garbage" }, "not an answer to an upgrade", 60_000],
  ] as const;
  for (const [name, options, code, timeoutMs] of faults) {
    it(`reports ${name}`, async () => {
      const gateway = await fake(options);
      const stage = await probeGateway({ ...OPTIONS, url: gateway.url, timeoutMs });
      assert.ok(stage.kind === "failed");
      assert.equal(stage.code, code);
    });
  }

  const ends = [
    ["another payload", (one: Connection) => one.sendText("<html>"), /not HELLO: another server/],
    ["a connection that breaks", (one: Connection) => one.destroy(), /ended before HELLO \(/],
    [
      "a close, with its code, meaning and reason",
      (one: Connection) => one.close(4012, "Invalid API version"),
      /^closed before HELLO: 4012, invalid API version, "Invalid API version"$/,
    ],
    ["a gateway that sends nothing", () => {}, /HELLO did not come in time/],
  ] as const;
  for (const [name, end, words] of ends) {
    it(`reports ${name} once the WebSocket is open`, async () => {
      const gateway = await fake({ saysHello: false });
      const probing = probeGateway({ ...OPTIONS, url: gateway.url, timeoutMs: 2_000 });
      await gateway.until(() => gateway.connections.length === 1, "the 101");
      const [connection] = gateway.connections;
      assert.ok(connection);
      end(connection);
      const stage = await probing;
      assert.match(stage.kind === "failed" ? stage.code : "", words);
    });
  }

  it("[G15] reports a proxy that refuses", async () => {
    const proxy = await startConnectProxy({ wants: "ann:secret" });
    cleanups.push(() => proxy.stop());
    const stage = await probeGateway({
      ...OPTIONS,
      url: "wss://gateway.discord.invalid",
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    assert.ok(stage.kind === "failed" && /407/.test(stage.code));
  });
});
