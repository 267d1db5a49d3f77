import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLookAtGuild } from "../../../../src/discord/rest/permissions/guild_look.ts";
import { addChannel, privateTo } from "../../../../simulator/world/founding.ts";
import { withDiscord } from "../simulated.ts";

describe("[R11] createLookAtGuild()", () => {
  it("sees all of a guild by three requests, what is hidden from the bot too", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const { world, krill, barnacle } = demo;
      const hidden = addChannel(
        world,
        krill,
        { name: "vault", overwrites: privateTo(krill) },
        Date.now(),
      );
      const { member, standing, channels } = await createLookAtGuild(api)(
        krill.id,
        barnacle.userId,
      );
      const names = standing.roles.map(({ name }) => name);
      assert.deepEqual(names, ["@everyone", "helpers", "Barnacle", "Limpet"]);
      assert.deepEqual(
        standing.memberRoles.map((id) => krill.roles.get(id)?.name),
        ["Barnacle"],
      );
      assert.deepEqual(member, { roles: standing.memberRoles });
      assert.equal(standing.ownerId, demo.people.ada.id);
      assert.deepEqual(channels.get(hidden.id), {
        name: "vault",
        overwrites: [{ id: krill.everyoneRoleId, allow: 0n, deny: 1n << 10n }],
      });
      assert.equal(channels.has(demo.channels.thread.id), false);
      assert.equal(sim.requests.records().length, 3);
    }));

  it("has no member of somebody who is none", () =>
    withDiscord(async ({ api, demo }) => {
      const look = await createLookAtGuild(api)(demo.krill.id, demo.people.mallory.id);
      assert.equal(look.member, undefined);
      assert.deepEqual(look.standing.memberRoles, []);
    }));
});
