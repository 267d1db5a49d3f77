import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadChannel } from "../../../src/discord/rest/channel.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { channelId } from "../../support/builders.ts";
import { fakeApi } from "./fake_api.ts";
import { withDiscord } from "./simulated.ts";

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
