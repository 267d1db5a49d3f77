import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  guildsChanged,
  resolveAgain,
  setShardCount,
  shardReady,
} from "../../../src/flows/names/name_resolver.ts";
import { ownersToTell } from "../../../src/flows/owners/owner_ids.ts";
import { refused } from "../../support/discord/answers.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const OTHER = "1600000000000000002";

/** An account whose config names a guild and a person, in the guild of `payloads.ts`. */
async function build(keys: { users?: readonly string[]; search?: () => unknown } = {}) {
  const { users = ["ada"], search = () => [{ user: { id: "7", username: "ada" } }] } = keys;
  const scene = await testAccount({
    discord: { guilds: { friends: { users } } },
    answer: ({ path }) => path.includes("/members/search") ? search() : undefined,
  });
  const { account, rows, lines, requests, receive } = scene;
  await receive("GUILD_CREATE", guildData());
  return {
    ...scene,
    ready: () => shardReady(account, 0),
    ids: () => rows("SELECT found_id AS id FROM resolved_name ORDER BY kind").map(({ id }) => id),
    searches: () => requests.filter(({ path }) => path.includes("/members/search")).length,
    warned: () => lines.filter(({ event }) => event.startsWith("A name in the config has")).length,
  };
}

describe("[P12] names in the config", () => {
  it("become ids once a shard is ready, for the policy, too", async () => {
    const { account, ready, ids, pass } = await build();
    await pass(5_000);
    assert.deepEqual(ids(), [], "before");
    ready();
    await pass(1_000);
    assert.deepEqual(ids().length, 2);
    assert.match(JSON.stringify(account.policy().policy.guilds), /"id":"7"/);
  });

  it("wait for guilds to come, but not for ever; a guild's name waits for all of them", async () => {
    const { account, ready, ids, searches, pass } = await build({ users: ["ada"] });
    setShardCount(account, 2);
    ready();
    await pass(15_000, 1_000);
    assert.deepEqual([ids(), searches()], [[], 0]);
    await pass(6_000, 1_000);
    assert.deepEqual([ids(), searches()], [["7"], 1], "another shard may have such a guild");
    shardReady(account, 1);
    await pass(1_000);
    assert.deepEqual(ids().length, 2);
  });

  it("are searched again with a changed guild or config, and not twice without", async () => {
    const { account, ready, receive, searches, warned, pass } = await build({ search: () => [] });
    ready();
    await pass(1_000);
    const [asked, told] = [searches(), warned()];
    guildsChanged(account);
    await pass(1_000);
    assert.deepEqual([searches(), warned()], [asked, told]);
    await receive("GUILD_CREATE", guildData({ id: OTHER, name: "Others" }));
    resolveAgain(account);
    await pass(1_000);
    assert.deepEqual([searches(), warned()], [2 * asked, 2 * told]);
  });

  it("stay names if Discord refuses the search, which is asked once, and again if it fails", async () => {
    const users = ["ada", "bob"];
    let answer: () => unknown = () => new Error("offline");
    const { ready, ids, searches, lines, pass } = await build({ users, search: () => answer() });
    ready();
    await pass(1_000);
    assert.ok(lines.some(({ event }) => event.startsWith("Cannot resolve the names")));
    answer = () => refused(403, 50001);
    await pass(60_000);
    assert.deepEqual([ids().length, searches()], [1, 2]);
    assert.ok(lines.some(({ event }) => event.includes("does not let this bot search members")));
  });

  it("[P10] hold back messages to owners until they were searched", async () => {
    const { account, quiet, pass } = await testAccount({
      beside: { commands: { ownerAllowFrom: ["ada"] } },
    });
    let owners: readonly string[] | undefined;
    void ownersToTell(account).then((found) => owners = found);
    await quiet();
    assert.equal(owners, undefined);
    shardReady(account, 0);
    await pass(1_000);
    assert.deepEqual(owners, []);
  });
});
