import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  askApplication,
  readGatewayInfo,
} from "../../../../src/discord/rest/requests/application.ts";
import { sameData } from "../../../support/same_data.ts";

const ME = {
  id: "1500000000000000002",
  name: "barnacle",
  flags: 1 << 19,
  bot_public: false,
  bot_require_code_grant: true,
  owner: { id: "1", username: "ada" },
  team: null,
  approximate_guild_count: 3,
};

function asking(answer: unknown) {
  const asked: unknown[] = [];
  const read = askApplication({
    request(method, path) {
      asked.push([method, path]);
      return Promise.resolve(answer);
    },
  });
  return { asked, read };
}

describe("[G9] askApplication()", () => {
  it("reads the token's application and owner", async () => {
    const { asked, read } = asking(ME);
    sameData(await read, {
      id: "1500000000000000002",
      name: "barnacle",
      flags: 1 << 19,
      needsCodeGrant: true,
      owner: "ada",
      ownerId: "1",
      ownerIds: ["1"],
      guildCount: 3,
    });
    assert.deepEqual(asked, [["GET", "/applications/@me"]]);
  });

  it("names the team of a team's application, and its owner's account", async () => {
    const team = { name: "Harbour", owner_user_id: "7" };
    const { owner, ownerId, isTeam } = await asking({ ...ME, team }).read;
    assert.equal(isTeam, true);
    assert.deepEqual([owner, ownerId], ["Harbour", "7"]);
  });

  const member = (id: string, membership_state: number) => ({ user: { id }, membership_state });
  const teams: readonly [what: string, team: object, ownerIds: readonly string[]][] = [
    [
      "all joined members, the owner first",
      { owner_user_id: "7", members: [member("6", 2), member("7", 2), member("8", 2)] },
      ["7", "6", "8"],
    ],
    ["no invited member", { owner_user_id: "7", members: [member("6", 1), member("7", 2)] }, ["7"]],
    ["the owner alone if the response has no members", { owner_user_id: "7" }, ["7"]],
    ["the owner if members are malformed", { owner_user_id: "7", members: [{ user: "6" }] }, ["7"]],
    ["no one if the response has neither", {}, []],
  ];
  for (const [what, team, ownerIds] of teams) {
    it(`[P10] returns as a team's owners ${what}`, async () => {
      const { read } = asking({ ...ME, team: { name: "Harbour", ...team } });
      assert.deepEqual((await read).ownerIds, ownerIds);
    });
  }

  it("[R11] has no owner id rather than an invalid one", async () => {
    for (const owner of [{ username: "ada" }, { username: "ada", id: "ada" }, null]) {
      assert.equal((await asking({ ...ME, owner }).read).ownerId, undefined);
    }
    const team = { name: "Harbour" };
    const { ownerId } = await asking({ ...ME, team }).read;
    assert.equal(ownerId, undefined, "a team's application names no person as its owner");
  });
});

const NOW = Date.parse("2026-11-20T12:00:00Z");
const LIMIT = { total: 1000, remaining: 998, reset_after: 14_400_000, max_concurrency: 1 };
const GATEWAY = { url: "wss://gateway.discord.gg", shards: 1, session_start_limit: LIMIT };

function readFrom(answer: unknown) {
  return readGatewayInfo({
    request(method, path) {
      assert.deepEqual([method, path], ["GET", "/gateway/bot"]);
      return Promise.resolve(answer);
    },
  }, NOW);
}

describe("[G1] readGatewayInfo()", () => {
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
