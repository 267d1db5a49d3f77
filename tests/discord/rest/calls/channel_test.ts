import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOpenDirect, createReadChannel } from "../../../../src/discord/rest/calls/channel.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { channelId, userId } from "../../../support/discord/builders.ts";
import { fakeApi } from "../fake_api.ts";
import { withDiscord } from "../simulated.ts";

describe("createReadChannel()", () => {
  it("[S4] tells the guild of a channel, and none of a direct one", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const read = createReadChannel(api);
      const general = sim.channel("general");
      assert.deepEqual(await read(general.id), {
        guildId: "guildId" in general ? general.guildId : undefined,
      });
      assert.deepEqual(await read(demo.malloryDm.id), {});
    }));

  it("[S4] says that there is no such channel", () =>
    withDiscord(({ api }) =>
      assert.rejects(createReadChannel(api)(channelId("5")), { kind: "not_found", code: 10003 })
    ));

  it("refuses what is not Discord's", () =>
    assert.rejects(createReadChannel(fakeApi({ guild_id: 7 }).api)(channelId("5")), RestError));
});

describe("createOpenDirect()", () => {
  it("[S4] opens the same channel each time, and waits its turn like a reply", () =>
    withDiscord(async ({ api, demo }) => {
      const open = createOpenDirect(api);
      assert.equal(await open(demo.people.mallory.id), demo.malloryDm.id);
      assert.equal(await open(demo.people.mallory.id), demo.malloryDm.id);
    }));

  it("[S4] asks for a person by id, with no priority of its own", async () => {
    const { api, asked } = fakeApi({ id: "9", type: 1 });
    assert.equal(await createOpenDirect(api)(userId("5")), "9");
    assert.deepEqual(asked, [["POST", "/users/@me/channels", { body: { recipientId: "5" } }]]);
  });

  it("[S4] knows nobody whom Discord does not know", () =>
    withDiscord(({ api }) =>
      assert.rejects(createOpenDirect(api)(userId("5")), { kind: "not_found", code: 10013 })
    ));

  for (const answer of [undefined, {}, { id: "general" }]) {
    it(`refuses what is not Discord's: ${JSON.stringify(answer)}`, () =>
      assert.rejects(createOpenDirect(fakeApi(answer).api)(userId("5")), RestError));
  }
});
