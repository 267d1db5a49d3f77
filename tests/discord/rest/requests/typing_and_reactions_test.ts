import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  deleteReaction,
  putReaction,
  sendTyping,
} from "../../../../src/discord/rest/requests/messages.ts";
import { channelId, messageId } from "../../../support/discord/builders.ts";
import { fakeApi } from "../fake_api.ts";
import { toSnowflake } from "../../../../simulator/world/snowflake.ts";
import { withDiscord } from "../simulated.ts";

const CHANNEL = channelId("7");
const MESSAGE = messageId("8");

describe("putReaction()", () => {
  const emoji: readonly [written: string, inPath: string][] = [
    ["👀", "%F0%9F%91%80"],
    ["1️⃣", "1%EF%B8%8F%E2%83%A3"],
    ["<:krill:1400000000000000001>", "krill%3A1400000000000000001"],
    ["<a:krill:1400000000000000001>", "krill%3A1400000000000000001"],
    ["krill:1400000000000000001", "krill%3A1400000000000000001"],
    ["../../@me", "..%2F..%2F%40me"],
  ];
  for (const [written, inPath] of emoji) {
    it(`[R7] requests ${written} once, with spare priority`, async () => {
      const { api, asked } = fakeApi(undefined);
      await putReaction(api, CHANNEL, MESSAGE, written);
      await deleteReaction(api, CHANNEL, MESSAGE, written);
      const path = `/channels/7/messages/8/reactions/${inPath}/@me`;
      assert.deepEqual(asked, [
        ["PUT", path, { priority: "spare" }],
        ["DELETE", path, { priority: "spare" }],
      ]);
    });
  }

  it("[R7] adds a reaction, and removes it", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { id, channelId } = sim.say({ as: "ada", in: "#general", text: "look" });
      const own = "1400000000000000001";
      demo.krill.things.emojis.set(own, { id: toSnowflake(own), name: "krill", bytes: 1 });
      for (const emoji of ["👀", "<:krill:1400000000000000001>"]) {
        await putReaction(api, channelId, id, emoji);
      }
      const shown = sim.channel("#general").messages.get(id)?.reactions;
      assert.deepEqual([...shown?.keys() ?? []], ["👀", "krill:1400000000000000001"]);
      assert.ok(shown?.get("👀")?.has(demo.barnacle.userId));
      await deleteReaction(api, channelId, id, "👀");
      assert.deepEqual([...shown?.keys() ?? []], ["krill:1400000000000000001"]);
      sim.permit({ to: "Barnacle", what: "addReactions", as: "denied", in: "#general" });
      await assert.rejects(putReaction(api, channelId, id, "🦐"), {
        kind: "forbidden",
        code: 50013,
      });
    }));
});

describe("sendTyping()", () => {
  it("[R7] shows typing, and is refused where the bot may not post", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const seen: string[] = [];
      sim.subscribe((event) => {
        if (event.kind === "typing_started") seen.push(event.userId);
      });
      await sendTyping(api, demo.channels.general.id);
      sim.permit({ to: "@everyone", what: "sendMessages", as: "denied", in: "#general" });
      await assert.rejects(sendTyping(api, demo.channels.general.id), { kind: "forbidden" });
      assert.deepEqual(seen, [demo.barnacle.userId]);
    }));
});
