import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTyping } from "../../../src/discord/rest/typing.ts";
import { channelId } from "../../support/builders.ts";
import { fakeApi } from "./fake_api.ts";
import { withDiscord } from "./simulated.ts";

describe("createTyping()", () => {
  it("[R7] asks once, and only where there is room for it", async () => {
    const { api, asked } = fakeApi(undefined);
    await createTyping(api)(channelId("7"));
    assert.deepEqual(asked, [["POST", "/channels/7/typing", { priority: "spare" }]]);
  });

  it("[R7] is seen; where the bot may not write it is refused", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const seen: string[] = [];
      sim.subscribe((event) => {
        if (event.kind === "typing_started") seen.push(event.userId);
      });
      const show = createTyping(api);
      await show(demo.channels.general.id);
      sim.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "#general" });
      await assert.rejects(show(demo.channels.general.id), { kind: "forbidden" });
      assert.deepEqual(seen, [demo.barnacle.userId]);
    }));
});
