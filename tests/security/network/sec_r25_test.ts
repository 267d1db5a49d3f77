import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import zlib from "node:zlib";
import { createReadGatewayInfo } from "../../../src/discord/rest/requests/application.ts";
import { createRequestAttempts } from "../../../src/discord/rest/client/send.ts";
import { RestError } from "../../../src/discord/rest/exchange/rest_error.ts";
import { routeOf } from "../../../src/discord/rest/exchange/route.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { freePermit } from "../../discord/rest/free_permit.ts";
import { cleanUpAfterEach } from "../../support/cleanups.ts";
import { startFakeGateway } from "../../support/gateway/fake_gateway.ts";
import { gatewayOptions, startTestShard } from "../../support/gateway/gateway_shard.ts";
import { HOSTILE } from "../../support/gateway/hostile_gateway.ts";

const MIB = 1024 * 1024;

const FREE = freePermit();

const cleanups = cleanUpAfterEach();

describe("[SEC-R25] a shard, and a gateway that wants to fill its memory", () => {
  for (const { name, leaves, compress = false, strike } of HOSTILE) {
    it(`${leaves ? "leaves the server" : "passes over the data"}: ${name}`, async () => {
      // A busy machine takes minutes for a million pings: a heartbeat meanwhile has no acknowledgement.
      const gateway = await startFakeGateway({ heartbeatMs: 600_000 });
      cleanups.push(() => gateway.stop());
      const { reconnect } = gatewayOptions("");
      const options = gatewayOptions(gateway.url, {
        compress,
        reconnect: { ...reconnect, maxRetries: 1e9 },
        deadlines: { connectMs: 50_000, helloMs: 50_000, readyMs: 50_000 },
      });
      const shard = startTestShard(options);
      cleanups.push(() => shard.stop());
      await gateway.until(() => shard.isReady(), "READY");
      const [connection] = gateway.connections;
      assert.ok(connection);
      strike(connection);
      if (leaves) {
        await gateway.until(
          () => gateway.connections.length === 2 && shard.isReady(),
          "a new connection",
        );
        assert.equal(gateway.connections.length, 2);
        return;
      }
      connection.dispatch("MESSAGE_CREATE", { content: "behind it" });
      await gateway.until(() => shard.dispatches().some(isBehind), "the message behind it");
      assert.equal(gateway.connections.length, 1);
    });
  }
});

describe("[SEC-R25] a shard, and a dispatch that is too large", () => {
  it("passes over a message of more than 1 MiB, but not over a guild", async () => {
    const gateway = await startFakeGateway();
    cleanups.push(() => gateway.stop());
    const shard = startTestShard({
      ...gatewayOptions(gateway.url),
      dispatches: ["MESSAGE_CREATE", "GUILD_CREATE"],
    });
    cleanups.push(() => shard.stop());
    await gateway.until(() => shard.isReady(), "READY");
    const [connection] = gateway.connections;
    assert.ok(connection);
    const content = "x".repeat(MIB);
    connection.dispatch("MESSAGE_CREATE", { content });
    connection.dispatch("GUILD_CREATE", { content });
    connection.dispatch("MESSAGE_CREATE", { content: "x".repeat(MIB - 1_000) });
    connection.dispatch("MESSAGE_CREATE", { content: "behind it" });
    await gateway.until(() => shard.dispatches().some(isBehind), "the message behind it");
    const types = shard.dispatches().map(({ t }) => t).filter((type) => type !== "READY");
    assert.deepEqual(types, ["GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE"]);
    assert.equal(gateway.connections.length, 1);
  });
});

function isBehind(dispatch: { readonly d?: { readonly content?: unknown } }): boolean {
  return dispatch.d?.content === "behind it";
}

describe("[SEC-R25] a REST client, and a server that answers with too much", () => {
  /** Answers each request with a body. */
  async function answering(
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    path: string,
  ): Promise<unknown> {
    const server = createServer((_, response) => void response.writeHead(200, headers).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    const attempts = createRequestAttempts(
      {
        token: "secret-token",
        apiUrl: `http://127.0.0.1:${address.port}/api`,
        timeoutMs: 30_000,
        steadyNow: () => 0,
        schedule,
      },
      { note() {} },
      "test",
    );
    const attempt = await attempts.once(FREE, { route: routeOf("GET", path), path });
    if (attempt.kind !== "done") throw attempt.error;
    return attempt.body;
  }

  const JSON_TYPE = { "content-type": "application/json" };
  const GZIP = { ...JSON_TYPE, "content-encoding": "gzip" };
  const text = (size: number) => Buffer.from(`"${"x".repeat(size)}"`);

  it("reads 100 long messages, and no channel that is as large", async () => {
    const page = text(5 * MIB);
    assert.equal(String(await answering(JSON_TYPE, page, "/channels/1/messages")).length, 5 * MIB);
    await assert.rejects(answering(JSON_TYPE, page, "/channels/1"), RestError);
  });

  it("reads a compressed response, and no bomb with a small Content-Length", async () => {
    const small = zlib.gzipSync(text(1_000));
    assert.equal(String(await answering(GZIP, small, "/users/@me")).length, 1_000);
    const bomb = zlib.gzipSync(text(64 * MIB));
    assert.ok(bomb.length < MIB);
    const headers = { ...GZIP, "content-length": String(bomb.length) };
    await assert.rejects(answering(headers, bomb, "/users/@me"), RestError);
    await assert.rejects(answering(headers, bomb, "/channels/1/messages"), RestError);
  });

  it("bounds every route", () => {
    const bounds: readonly [method: string, path: string, mib: number][] = [
      ["GET", "/channels/1/messages?limit=100", 16],
      ["POST", "/channels/1/messages", 1],
      ["GET", "/guilds/1/channels", 16],
      ["GET", "/guilds/1/members/search?query=a", 4],
      ["GET", "/gateway/bot", 1],
      ["DELETE", "/anything", 1],
    ];
    for (const [method, path, mib] of bounds) {
      assert.equal(routeOf(method, path).maxBytes, mib * MIB, `${method} ${path}`);
    }
  });
});

describe("[SEC-R25] the number of shards that Discord recommends", () => {
  const limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 };
  const read = (shards: unknown) =>
    createReadGatewayInfo({
      request: () =>
        Promise.resolve({ url: "wss://gateway.discord.gg", shards, session_start_limit: limit }),
    }, () => 0)();

  it("is at most 1,000, as in the config", async () => {
    assert.equal((await read(1_000)).shards, 1_000);
    for (const shards of [1_001, 1e9, Number.MAX_SAFE_INTEGER, 1.5, -1, "1"]) {
      await assert.rejects(read(shards), /shards/, String(shards));
    }
  });
});
