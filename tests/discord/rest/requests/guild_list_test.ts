import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createGuildList } from "../../../../src/discord/rest/requests/guild_reads.ts";
import { guildId } from "../../../support/discord/builders.ts";
import { checkedApi } from "../checked_api.ts";
import { sameData } from "../../../support/same_data.ts";

const guild = (n: number) => ({ id: String(n), name: `guild ${n}`, owner: false });
const page = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => guild(from + n));

describe("[P12] createGuildList().guilds()", () => {
  it("lists the guilds by id and name", async () => {
    const { api, sent } = checkedApi(page(1, 2));
    sameData(await createGuildList(api).guilds(), [
      { id: "1", name: "guild 1" },
      { id: "2", name: "guild 2" },
    ]);
    assert.deepEqual(sent.map(({ path, query }) => [path, query]), [
      ["/users/@me/guilds", { limit: "200", after: "0" }],
    ]);
  });

  it("reads pages until one is not full", async () => {
    const { api, sent } = checkedApi(page(1, 200), page(201, 200), page(401, 3));
    assert.equal((await createGuildList(api).guilds()).length, 403);
    assert.deepEqual(sent.map(({ query }) => query["after"]), ["0", "200", "400"]);
  });

  it("stops at an empty page, and at a page that repeats", async () => {
    const empty = checkedApi(page(1, 200), []);
    assert.equal((await createGuildList(empty.api).guilds()).length, 200);
    const same = checkedApi(page(1, 200));
    assert.equal((await createGuildList(same.api).guilds()).length, 200);
    assert.equal(same.sent.length, 2);
  });
});

describe("[P12] createGuildList().channels()", () => {
  it("lists the channels that rules can name: no categories", async () => {
    const { api, sent } = checkedApi([
      { id: "1", type: 0, name: "help" },
      { id: "2", type: 4, name: "Support" },
      { id: "3", type: 15, name: "ideas" },
      { id: "4", type: 2, name: null },
    ]);
    assert.deepEqual(await createGuildList(api).channels(guildId("100")), [
      { id: "1", name: "help" },
      { id: "3", name: "ideas" },
      { id: "4", name: "4" },
    ]);
    assert.deepEqual(sent.map(({ path }) => path), ["/guilds/100/channels"]);
  });
});
