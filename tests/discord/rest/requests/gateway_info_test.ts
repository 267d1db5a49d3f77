import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadGatewayInfo } from "../../../../src/discord/rest/requests/application.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const LIMIT = { total: 1000, remaining: 998, reset_after: 14_400_000, max_concurrency: 1 };
const GATEWAY = { url: "wss://gateway.discord.gg", shards: 1, session_start_limit: LIMIT };

function readFrom(answer: unknown) {
  return createReadGatewayInfo({
    request(method, path) {
      assert.deepEqual([method, path], ["GET", "/gateway/bot"]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  }, () => NOW)();
}

describe("[G1] createReadGatewayInfo()", () => {
  it("reads the gateway's address, shard count and session limits", async () => {
    assert.deepEqual(await readFrom({ ...GATEWAY, shards: 3 }), {
      url: "wss://gateway.discord.gg",
      shards: 3,
      limit: {
        total: 1000,
        remaining: 998,
        resetAfterMs: 14_400_000,
        maxConcurrency: 1,
        readAt: NOW,
      },
    });
  });

  it("accepts a response with the address only, from a server in Discord's place", async () => {
    const url = "ws://127.0.0.1:8080";
    assert.deepEqual(await readFrom({ url }), {
      url,
      shards: 1,
      limit: { total: 1000, remaining: 1000, resetAfterMs: 0, maxConcurrency: 1, readAt: NOW },
    });
  });

  const bad: readonly [name: string, answer: unknown, field: RegExp][] = [
    ["nothing", undefined, /all of it/],
    ["no address", {}, /url/],
    ["no shards", { ...GATEWAY, shards: 0 }, /shards/],
    ["a limit without its figures", { ...GATEWAY, session_start_limit: {} }, /remaining/],
    ["no concurrency at all", {
      ...GATEWAY,
      session_start_limit: { ...LIMIT, max_concurrency: 0 },
    }, /max_concurrency/],
    ["a gateway over https", { ...GATEWAY, url: "https://gateway.discord.gg" }, /url/],
  ];
  for (const [name, answer, field] of bad) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(readFrom(answer), (error) => {
        assert.ok(error instanceof RestError);
        assert.equal(error.kind, "unavailable");
        assert.match(error.message, field);
        return true;
      });
    });
  }

  it("passes on Discord's refusal", async () => {
    const refusal = new RestError("failed", { kind: "unauthorized", route: "GET /gateway/bot" });
    await assert.rejects(readFrom(refusal), refusal);
  });
});
