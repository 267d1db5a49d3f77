import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { may } from "../../../simulator/world/access.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { changeRoles } from "../../../simulator/actions/changes.ts";
import { addChannel, addRole, addThread } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import type { Overwrite } from "../../../simulator/world/world.ts";

const { world, krill, people, helpers, barnacle, malloryDm } = demoWorld();
const NOW = Date.UTC(2026, 0, 2);
const mods = addRole(world, krill, { name: "mods" }, NOW);
changeRoles(krill, people.grace.id, [helpers.id, mods.id]);
const { viewChannel, sendMessages, sendMessagesInThreads } = PERMISSION;
const everyone = (allow: bigint, deny: bigint): Overwrite => ({
  id: krill.everyoneRoleId,
  kind: "role",
  allow,
  deny,
});
const forHelpers = (allow: bigint, deny: bigint): Overwrite => ({
  id: helpers.id,
  kind: "role",
  allow,
  deny,
});
const forMods = (allow: bigint, deny: bigint): Overwrite => ({
  id: mods.id,
  kind: "role",
  allow,
  deny,
});
const forGrace = (allow: bigint, deny: bigint): Overwrite => ({
  id: people.grace.id,
  kind: "member",
  allow,
  deny,
});

describe("[P2] may()", () => {
  const cases: readonly [string, readonly Overwrite[], mayView: boolean, maySend: boolean][] = [
    ["without overwrites", [], true, true],
    ["denied to everyone", [everyone(0n, viewChannel)], false, false],
    ["read only", [everyone(0n, sendMessages)], true, false],
    ["allowed to a role", [everyone(0n, viewChannel), forHelpers(viewChannel, 0n)], true, true],
    ["denied to a role", [everyone(viewChannel, 0n), forHelpers(0n, viewChannel)], false, false],
    [
      "denied to one of the roles, allowed to another",
      [everyone(0n, viewChannel), forHelpers(viewChannel, 0n), forMods(0n, viewChannel)],
      true,
      true,
    ],
    [
      "denied to a role, allowed to the member",
      [forHelpers(0n, sendMessages), forGrace(sendMessages, 0n)],
      true,
      true,
    ],
    [
      "denied to the member, allowed to a role",
      [forGrace(0n, sendMessages), forHelpers(sendMessages, 0n)],
      true,
      false,
    ],
  ];
  for (const [what, overwrites, mayView, maySend] of cases) {
    it(`a channel ${what}`, () => {
      const channel = addChannel(world, krill, { name: "c", overwrites }, NOW);
      assert.equal(may(world, channel, people.grace.id, "view"), mayView);
      assert.equal(may(world, channel, people.grace.id, "send"), maySend);
      assert.ok(may(world, channel, people.ada.id, "send"), "the owner may all");
      assert.ok(!may(world, channel, people.mallory.id, "view"), "a stranger may nothing");
    });
  }

  it("a thread has its parent's overwrites, and a permission of its own to write", () => {
    const overwrites = [everyone(0n, sendMessagesInThreads)];
    const parent = addChannel(world, krill, { name: "p", overwrites }, NOW);
    const thread = addThread(world, parent, { name: "t", ownerId: people.ada.id }, NOW);
    assert.ok(may(world, thread, people.grace.id, "view"));
    assert.ok(!may(world, thread, people.grace.id, "send"));
    assert.ok(may(world, parent, people.grace.id, "send"));
  });

  it("a direct channel is for its two members", () => {
    assert.ok(may(world, malloryDm, people.mallory.id, "send"));
    assert.ok(may(world, malloryDm, barnacle.userId, "send"));
    assert.ok(!may(world, malloryDm, people.ada.id, "view"));
    assert.ok(!may(world, malloryDm, people.mallory.id, "manage_messages"));
  });
});
