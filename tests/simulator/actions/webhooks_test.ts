import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addWebhook } from "../../../simulator/world/create_world.ts";
import { PLURALKIT_APPLICATION_ID } from "../../../simulator/actions/webhooks.ts";
import { connectReady, isEvent, withSimulator } from "../raw_client.ts";

describe("[P13] proxy()", () => {
  it("posts it again as PluralKit's webhook, then deletes the original", () =>
    withSimulator(async (sim) => {
      const bot = await connectReady(sim);
      const original = sim.say({ as: "grace", in: "#general", text: "L: hello" });
      const proxied = sim.proxy({ original, name: "Luna", avatar: "f00", text: "hello" });
      await bot.frame(isEvent("MESSAGE_DELETE"));
      const told = bot.frames.filter(({ t }) => t?.startsWith("MESSAGE_")).slice(1);
      assert.deepEqual(told.map(({ t, d }) => [t, d?.["id"]]), [
        ["MESSAGE_CREATE", proxied.id],
        ["MESSAGE_DELETE", original.id],
      ]);
      const said = told[0]?.d ?? {};
      assert.equal(said["content"], "hello");
      assert.equal(said["application_id"], PLURALKIT_APPLICATION_ID);
      const { username, avatar, bot: isBot, discriminator, id } = Object(said["author"]);
      assert.deepEqual([username, avatar, isBot, discriminator], ["Luna", "f00", true, "0000"]);
      assert.equal(said["webhook_id"], id);
      assert.equal(sim.channel("#general").messages.size, 1);
      bot.close();
    }));

  it("reuses one webhook, and cannot proxy a deleted message", () =>
    withSimulator((sim) => {
      const say = () => sim.say({ as: "grace", in: "#general", text: "one" });
      const first = say();
      const ids = [first, say()].map((original) => sim.proxy({ original, name: "Luna" }).author);
      assert.equal(JSON.stringify(ids[0]), JSON.stringify(ids[1]));
      assert.throws(() => sim.proxy({ original: first, name: "Luna" }), /10008/);
      return Promise.resolve();
    }));
});

describe("[P13] another application's webhook", () => {
  it("may take any name and picture; only its application identifies it", () =>
    withSimulator(async (sim, { world, otherBot }) => {
      addWebhook(world, "forger", Date.now(), otherBot.id);
      const bot = await connectReady(sim);
      const calling = { name: "Luna", avatar: "f00" };
      for (const as of ["forger", "deploys"]) {
        sim.say({ as, in: "#general", text: `by ${as}`, calling });
      }
      await bot.frame(({ d }) => d?.["content"] === "by deploys");
      const [forged, plain] = bot.frames.filter(isEvent("MESSAGE_CREATE"));
      assert.equal(Object(forged?.d?.["author"]).username, "Luna");
      assert.equal(forged?.d?.["application_id"], otherBot.id);
      assert.equal("application_id" in Object(plain?.d), false);
      bot.close();
    }));
});
