import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDirectory } from "../../../src/discord/rest/directory.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";

const LIMIT = { total: 1000, remaining: 998, reset_after: 14_400_000, max_concurrency: 1 };
const GATEWAY = { url: "wss://gateway.discord.gg", shards: 1, session_start_limit: LIMIT };
const APPLICATION = { id: "1400000000000000001", name: "Barnacle", flags: 1 << 19, team: null };
const USER = { id: "1400000000000000004", username: "barnacle", bot: true, global_name: null };

/** Answers by path; asks are counted on the way. */
function directoryOf(answers: Readonly<Record<string, unknown>>) {
  return createDirectory({
    request(method, path) {
      assert.equal(method, "GET");
      const answer = answers[path];
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
}

describe("[G1] createDirectory()", () => {
  it("tells where the gateway is, in milliseconds and our own names", async () => {
    assert.deepEqual(await directoryOf({ "/gateway/bot": GATEWAY }).gateway(), {
      url: "wss://gateway.discord.gg",
      shards: 1,
      sessionStartLimit: {
        total: 1000,
        remaining: 998,
        resetAfterMs: 14_400_000,
        maxConcurrency: 1,
      },
    });
  });

  const bad: readonly [name: string, answer: unknown, field: RegExp][] = [
    ["nothing", undefined, /all of it/],
    ["a gateway over https", { ...GATEWAY, url: "https://gateway.discord.gg" }, /url/],
    ["no shard", { ...GATEWAY, shards: 0 }, /shards/],
    [
      "no concurrency",
      { ...GATEWAY, session_start_limit: { ...LIMIT, max_concurrency: 0 } },
      /session_start_limit\.max_concurrency/,
    ],
  ];
  for (const [name, answer, field] of bad) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(directoryOf({ "/gateway/bot": answer }).gateway(), (error) => {
        assert.ok(error instanceof RestError);
        assert.equal(error.kind, "unavailable");
        assert.match(error.message, field);
        return true;
      });
    });
  }

  it("tells what the application may do", async () => {
    const directory = directoryOf({ "/applications/@me": APPLICATION });
    assert.deepEqual(await directory.application(), {
      id: APPLICATION.id,
      name: "Barnacle",
      flags: 1 << 19,
    });
  });

  it("takes an application without flags", async () => {
    const { flags: _, ...plain } = APPLICATION;
    assert.equal((await directoryOf({ "/applications/@me": plain }).application()).flags, 0);
  });

  it("tells who the bot is", async () => {
    const directory = directoryOf({ "/applications/@me": APPLICATION, "/users/@me": USER });
    assert.deepEqual(await directory.self(), {
      userId: USER.id,
      applicationId: APPLICATION.id,
      username: "barnacle",
    });
  });

  it("passes on what Discord refuses", async () => {
    const refusal = new RestError("failed", { kind: "unauthorized", route: "GET /users/@me" });
    const directory = directoryOf({ "/applications/@me": APPLICATION, "/users/@me": refusal });
    await assert.rejects(directory.self(), refusal);
  });
});
