import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import { RestError } from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  askApplication,
  readGatewayInfo,
} from "../../../../src/discord/rest/requests/application.ts";
import {
  listCommands,
  replaceCommands,
} from "../../../../src/discord/rest/requests/application_commands.ts";
import {
  beginThread,
  listGuilds,
  openDirect,
  readMember,
  readPlace,
  readUser,
  searchMembers,
} from "../../../../src/discord/rest/requests/guild_reads.ts";
import { channelId, guildId, messageId, userId } from "../../../support/discord/builders.ts";
import { sameData } from "../../../support/same_data.ts";
import { checkedApi } from "../checked_api.ts";
import { fakeApi } from "../fake_api.ts";
import { withDiscord } from "../simulated.ts";

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
const LIMIT = { total: 1000, remaining: 998, reset_after: 14_400_000 };
const GATEWAY = { url: "wss://gateway.discord.gg", session_start_limit: LIMIT };

function readFrom(answer: unknown) {
  return readGatewayInfo({
    request(method, path) {
      assert.deepEqual([method, path], ["GET", "/gateway/bot"]);
      return Promise.resolve(answer);
    },
  }, NOW);
}

it("[G1] readGatewayInfo() › reads the gateway's address and session limits", async () => {
  assert.deepEqual(await readFrom(GATEWAY), {
    url: "wss://gateway.discord.gg",
    limit: {
      total: 1000,
      remaining: 998,
      resetAfterMs: 14_400_000,
      readAt: NOW,
    },
  });
});

const APPLICATION = "99" as ApplicationId;
const STATUS = {
  type: 1,
  name: "status",
  description: "Show version",
  options: [{ type: 4, name: "days", description: "How many" }],
};

describe("[K1] listCommands() and replaceCommands()", () => {
  it("keeps subcommands and choices, and no description of a menu", async () => {
    const config = {
      ...STATUS,
      default_member_permissions: "32",
      options: [{
        type: 1,
        name: "get",
        description: "Read",
        options: [
          { type: 3, name: "path", description: "Path", required: true, autocomplete: true },
          { type: 3, name: "as", description: "As", choices: [{ name: "x", value: "y" }] },
        ],
      }],
    } as const;
    const menu = { type: 3, name: "Ask Barnacle", description: "", options: [] };
    const { api, sent } = checkedApi([config, { ...menu, options: undefined }], []);
    const { commands } = await listCommands(api, APPLICATION);
    sameData(commands, [config, menu]);
    await replaceCommands(api, APPLICATION, undefined, { commands, entryPoint: [] });
    assert.deepEqual(sent.at(-1)?.body, [{ ...config, default_member_permissions: 32 }, {
      type: 3,
      name: "Ask Barnacle",
    }]);
  });

  it("keeps the command that launches the application's Activity apart, and sends it again", async () => {
    const launch = { type: 4, name: "launch", description: "", handler: 2 };
    const { api, sent } = checkedApi([launch], []);
    const { commands, entryPoint } = await listCommands(api, APPLICATION);
    assert.deepEqual([commands, entryPoint], [[], [launch]]);
    await replaceCommands(api, APPLICATION, undefined, { commands: [STATUS], entryPoint });
    assert.deepEqual(sent.at(-1)?.body, [STATUS, launch]);
  });
});

describe("readPlace()", () => {
  it("[S4] returns the guild of a channel, and none for a direct channel", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const general = sim.channel("general");
      const { guildId, name } = await readPlace(api, general.id);
      assert.deepEqual(
        [guildId, name],
        ["guildId" in general ? general.guildId : undefined, "general"],
      );
      assert.equal((await readPlace(api, demo.malloryDm.id)).guildId, undefined);
    }));

  it("[S4] fails with not_found for an unknown channel", () =>
    withDiscord(({ api }) =>
      assert.rejects(readPlace(api, channelId("5")), { kind: "not_found", code: 10003 })
    ));
});

describe("openDirect()", () => {
  it("[S4] opens the same channel each time, with the priority of a reply", () =>
    withDiscord(async ({ api, demo }) => {
      assert.equal(await openDirect(api, demo.people.mallory.id), demo.malloryDm.id);
      assert.equal(await openDirect(api, demo.people.mallory.id), demo.malloryDm.id);
    }));

  it("[S4] fails for a user that Discord does not know", () =>
    withDiscord(({ api }) =>
      assert.rejects(openDirect(api, userId("5")), { kind: "not_found", code: 10013 })
    ));
});

it("[T3] beginThread() › returns the id of the answer for a new thread, also if it is not the message's", async () => {
  const { api, asked } = fakeApi({ id: "9" });
  const thread = await beginThread(api, channelId("5"), messageId("6"), "Krill", 90);
  assert.deepEqual(thread, { threadId: "9", existed: false });
  const body = { name: "Krill", autoArchiveDuration: 1_440 };
  assert.deepEqual(asked, [["POST", "/channels/5/messages/6/threads", { body }]]);
});

const guild = (n: number) => ({ id: String(n), name: `guild ${n}`, owner: false });
const page = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => guild(from + n));

describe("[P12] listGuilds()", () => {
  it("lists the guilds by id and name", async () => {
    const { api, sent } = checkedApi(page(1, 2));
    sameData(await listGuilds(api), [{ id: "1", name: "guild 1" }, { id: "2", name: "guild 2" }]);
    assert.deepEqual(sent.map(({ path, query }) => [path, query]), [
      ["/users/@me/guilds", { limit: "200", after: "0" }],
    ]);
  });

  it("reads pages until one is not full", async () => {
    const { api, sent } = checkedApi(page(1, 200), page(201, 200), page(401, 3));
    assert.equal((await listGuilds(api)).length, 403);
    assert.deepEqual(sent.map(({ query }) => query["after"]), ["0", "200", "400"]);
  });

  it("stops at an empty page, and at a page that repeats", async () => {
    const empty = checkedApi(page(1, 200), []);
    assert.equal((await listGuilds(empty.api)).length, 200);
    const same = checkedApi(page(1, 200));
    assert.equal((await listGuilds(same.api)).length, 200);
    assert.equal(same.sent.length, 2);
  });
});

describe("[K2] readUser()", () => {
  const read = (answer: unknown) =>
    readUser({
      request: (method, path) => {
        assert.equal(`${method} ${path}`, "GET /users/900");
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    }, userId("900"));

  it("reads the names, finds no unknown user, and passes on a failure", async () => {
    const user = { id: "900", username: "ada", discriminator: "0" };
    sameData(await read(user), { username: "ada" });
    assert.deepEqual(await read({ ...user, discriminator: "1234" }), {
      username: "ada",
      tag: "ada#1234",
    });
    const about = { kind: "not_found", route: "GET /x", status: 404 } as const;
    assert.equal(await read(new RestError("failed", { ...about, code: 10_013 })), undefined);
    const page = new RestError("failed", about);
    await assert.rejects(read(page), page, "a proxy's answer, not Discord's");
  });
});

describe("[G6] [P14] [R11] readMember()", () => {
  const read = (answer: unknown) =>
    readMember(
      {
        request(method, path) {
          assert.equal(`${method} ${path}`, "GET /guilds/100/members/900");
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
        },
      },
      guildId("100"),
      userId("900"),
    );

  const timeouts: readonly [unknown, number | undefined][] = [
    ["2026-11-20T15:00:00.000000+00:00", Date.UTC(2026, 10, 20, 15)],
    [null, undefined],
    [undefined, undefined],
    ["soon", undefined],
  ];
  for (const [communication_disabled_until, timedOutUntil] of timeouts) {
    it(`reads a timeout: ${communication_disabled_until}`, async () => {
      const member = await read({ roles: ["1"], communication_disabled_until });
      assert.equal(member?.timedOutUntil, timedOutUntil);
      assert.deepEqual(member?.roles, ["1"]);
    });
  }

  it("distinguishes a user who has left from a member without roles", async () => {
    const about = { kind: "not_found", route: "GET /x", status: 404 } as const;
    assert.equal(await read(new RestError("failed", { ...about, code: 10_007 })), undefined);
    const page = new RestError("failed", about);
    await assert.rejects(read(page), page, "a proxy's answer, not Discord's");
    sameData(await read({ roles: [] }), { roles: [] });
  });
});

describe("[P12] searchMembers()", () => {
  const GUILD = guildId("100");

  it("searches by the beginning of a name, and returns usernames, not nicknames", async () => {
    const { api, sent } = checkedApi([
      { user: { id: "7", username: "ada", discriminator: "0", global_name: "A" }, nick: "boss" },
      { user: { id: "8", username: "Adam", discriminator: "0042" }, roles: [] },
      { user: { id: "9", username: "ada", discriminator: "0007", bot: true } },
    ]);
    sameData(await searchMembers(api, GUILD, "ada & ü"), [
      { userId: "7", username: "ada" },
      { userId: "8", username: "Adam", tag: "Adam#0042" },
      { userId: "9", username: "ada", tag: "ada#0007", isBot: true },
    ]);
    assert.deepEqual(sent.map(({ path, query }) => [path, query]), [
      ["/guilds/100/members/search", { query: "ada & ü", limit: "1000" }],
    ]);
  });

  it("passes on the limit and the request options", async () => {
    const { api, sent, asked } = checkedApi([]);
    await searchMembers(api, GUILD, "a", { priority: "background" }, 1_000);
    assert.equal(sent[0]?.query["limit"], "1000");
    assert.deepEqual(asked[0]?.[2], { priority: "background" });
  });
});
