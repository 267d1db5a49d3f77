import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  beginThread,
  createReadChannel,
  openDirect,
} from "../../../../src/discord/rest/requests/guild_reads.ts";
import { channelId, messageId, userId } from "../../../support/discord/builders.ts";
import { fakeApi } from "../fake_api.ts";
import { withDiscord } from "../simulated.ts";

describe("createReadChannel()", () => {
  it("[S4] returns the guild of a channel, and none for a direct channel", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const read = createReadChannel(api);
      const general = sim.channel("general");
      const { guildId, name } = await read(general.id);
      assert.deepEqual(
        [guildId, name],
        ["guildId" in general ? general.guildId : undefined, "general"],
      );
      assert.equal((await read(demo.malloryDm.id)).guildId, undefined);
    }));

  it("[S4] fails with not_found for an unknown channel", () =>
    withDiscord(({ api }) =>
      assert.rejects(createReadChannel(api)(channelId("5")), { kind: "not_found", code: 10003 })
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
