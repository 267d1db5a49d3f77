import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginThread,
  listChannels,
  listGuilds,
  openDirect,
  readPlace,
} from "../../../../src/discord/rest/requests/guild_reads.ts";
import { channelId, guildId, messageId, userId } from "../../../support/discord/builders.ts";
import { sameData } from "../../../support/same_data.ts";
import { checkedApi } from "../checked_api.ts";
import { fakeApi } from "../fake_api.ts";
import { withDiscord } from "../simulated.ts";

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

describe("beginThread()", () => {
  it("[T3] returns the id of the answer for a new thread, also if it is not the message's", async () => {
    const { api, asked } = fakeApi({ id: "9" });
    const thread = await beginThread(api, channelId("5"), messageId("6"), "Krill", 90);
    assert.deepEqual(thread, { threadId: "9", existed: false });
    const body = { name: "Krill", autoArchiveDuration: 1_440 };
    assert.deepEqual(asked, [["POST", "/channels/5/messages/6/threads", { body }]]);
  });
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

describe("[P12] listChannels()", () => {
  it("lists the channels that rules can name: no categories", async () => {
    const { api, sent } = checkedApi([
      { id: "1", type: 0, name: "help" },
      { id: "2", type: 4, name: "Support" },
      { id: "3", type: 15, name: "ideas" },
      { id: "4", type: 2, name: null },
    ]);
    assert.deepEqual(await listChannels(api, guildId("100")), [
      { id: "1", name: "help" },
      { id: "3", name: "ideas" },
      { id: "4", name: "4" },
    ]);
    assert.deepEqual(sent.map(({ path }) => path), ["/guilds/100/channels"]);
  });
});
