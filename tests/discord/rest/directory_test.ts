import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDirectory } from "../../../src/discord/rest/directory.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";

const LIMIT = { total: 1000, remaining: 998, reset_after: 14_400_000, max_concurrency: 1 };
const GATEWAY = { url: "wss://gateway.discord.gg", shards: 1, session_start_limit: LIMIT };

/** Discord as far as one question goes. */
function directoryWith(answer: unknown) {
  return createDirectory({
    request(method, path) {
      assert.deepEqual([method, path], ["GET", "/gateway/bot"]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
}

describe("[G1] createDirectory()", () => {
  it("tells where the gateway is", async () => {
    assert.deepEqual(await directoryWith(GATEWAY).gateway(), { url: "wss://gateway.discord.gg" });
  });

  it("takes an answer of a server in Discord's place that says no more than that", async () => {
    const url = "ws://127.0.0.1:8080";
    assert.deepEqual(await directoryWith({ url }).gateway(), { url });
  });

  const bad: readonly [name: string, answer: unknown, field: RegExp][] = [
    ["nothing", undefined, /all of it/],
    ["no address", {}, /url/],
    ["a gateway over https", { ...GATEWAY, url: "https://gateway.discord.gg" }, /url/],
  ];
  for (const [name, answer, field] of bad) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(directoryWith(answer).gateway(), (error) => {
        assert.ok(error instanceof RestError);
        assert.equal(error.kind, "unavailable");
        assert.match(error.message, field);
        return true;
      });
    });
  }

  it("passes on what Discord refuses", async () => {
    const refusal = new RestError("failed", { kind: "unauthorized", route: "GET /gateway/bot" });
    await assert.rejects(directoryWith(refusal).gateway(), refusal);
  });
});
