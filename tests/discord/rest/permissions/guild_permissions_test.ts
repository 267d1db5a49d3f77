import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createReadGuildPermissions } from "../../../../src/discord/rest/requests/guild_reads.ts";
import { addChannel, privateTo } from "../../../../simulator/world/create_world.ts";
import { withDiscord } from "../simulated.ts";

describe("[R11] createReadGuildPermissions()", () => {
  it("reads a guild's settings in three requests, without channels hidden from the bot", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { world, krill, barnacle } = demo;
      const hidden = addChannel(
        world,
        krill,
        { name: "vault", overwrites: privateTo(krill) },
        Date.now(),
      );
      const { member, guild, channels } = await createReadGuildPermissions(api)(
        krill.id,
        barnacle.userId,
      );
      const names = guild.roles.map(({ name }) => name);
      assert.deepEqual(names, ["@everyone", "helpers", "Barnacle", "Limpet"]);
      assert.deepEqual(
        member?.roles.map((id) => krill.roles.get(id)?.name),
        ["Barnacle"],
      );
      assert.equal(member?.userId, barnacle.userId);
      assert.equal(guild.ownerId, demo.people.ada.id);
      assert.equal(channels.has(hidden.id), false);
      assert.equal(channels.get(demo.channels.help.id)?.name, "help");
      assert.equal(channels.has(demo.channels.thread.id), false);
      assert.equal(sim.requests.records().length, 3);
    }));

  it("shares the requests of calls at the same time, and asks again afterwards", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { krill, barnacle } = demo;
      const read = createReadGuildPermissions(api);
      const both = [read(krill.id, barnacle.userId), read(krill.id, barnacle.userId)];
      const [first, second] = await Promise.all(both);
      assert.equal(first, second);
      assert.equal(sim.requests.records().length, 3);
      await read(krill.id, barnacle.userId);
      assert.equal(sim.requests.records().length, 6);
    }));

  it("has no member for a user outside the guild", () =>
    withDiscord(async ({ api, demo }) => {
      const guild = await createReadGuildPermissions(api)(demo.krill.id, demo.people.mallory.id);
      assert.equal(guild.member, undefined);
    }));
});
