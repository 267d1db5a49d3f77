import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  readMember,
  readUser,
  searchMembers,
} from "../../../../src/discord/rest/requests/guild_reads.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { guildId, userId } from "../../../support/discord/builders.ts";
import { checkedApi } from "../checked_api.ts";
import { sameData } from "../../../support/same_data.ts";

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
