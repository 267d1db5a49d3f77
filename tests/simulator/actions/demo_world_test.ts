import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";

describe("[O5] demoWorld()", () => {
  it("has the same ids in every run, so that a config may name them", () => {
    const ids = () => {
      const { krill, elsewhere, people, channels, barnacle } = demoWorld();
      return [krill, elsewhere, ...Object.values(people), ...Object.values(channels), barnacle]
        .map(({ id }) => id);
    };
    assert.deepEqual(ids(), ids());
    assert.equal(new Set(ids()).size, ids().length);
  });

  it("keeps the stranger out of every guild", () => {
    const { world, people } = demoWorld();
    for (const { members } of world.guilds.values()) assert.ok(!members.has(people.mallory.id));
  });

  it("gives the bot a managed role", () => {
    const { krill, barnacle } = demoWorld();
    const roles = krill.members.get(barnacle.userId)?.roles.map((id) => krill.roles.get(id));
    assert.deepEqual(roles?.map((role) => [role?.name, role?.botId]), [
      ["Barnacle", barnacle.userId],
    ]);
  });
});
