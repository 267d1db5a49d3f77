import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadGatewayInfo } from "../../../../src/discord/rest/requests/application.ts";

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
});
