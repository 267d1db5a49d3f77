/** Tests who may decide about a call that its asker may not make: those who could make it themselves. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../../../src/core/people/question.ts";
import { addMember } from "../../../simulator/world/create_world.ts";
import type { User } from "../../../simulator/world/world.ts";
import { type ActionScene, withActions } from "../../discord/rest/actions/actions_harness.ts";

/** Edsger, as a member with the role "officers", which alone has rights; grace has none of them. */
function officer({ sim, demo: { krill, people } }: ActionScene): User {
  addMember(krill, { userId: people.edsger.id, joinedAt: 1 });
  sim.setRoles({ who: "edsger", roles: ["officers"] });
  sim.setRoles({ who: "grace", roles: [] });
  return people.edsger;
}

const byRight = (by: User): Decision => ({
  kind: "answered",
  answer: { choice: "once", byRight: true },
  about: "escalation",
  by: by.id,
});

describe("[T11] mayDecide()", () => {
  it("lets a person decide who holds the right, and no one else", () =>
    withActions(async (scene) => {
      const { mayDecide, permit, writes, target, demo: { people, channels } } = scene;
      const edsger = officer(scene);
      permit("manageChannels");
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      assert.deepEqual(await mayDecide(args, edsger), { as: "holder" });
      for (const by of [people.grace, target]) {
        assert.deepEqual(await mayDecide(args, by), {
          as: "none",
          why: "you lack the permission Manage Channels",
        });
      }
      assert.deepEqual(await mayDecide(args, people.grace, true), { as: "owner" });
      permit();
      assert.equal((await mayDecide(args, edsger)).as, "none", "the role has lost the right");
      assert.deepEqual(writes(), []);
    }));

  it("counts the overwrites of the place, a timeout, and the roles of that moment", () =>
    withActions(async (scene) => {
      const { mayDecide, permit, sim, clock, demo: { channels } } = scene;
      const edsger = officer(scene);
      permit("manageChannels");
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      const why = async () => {
        const check = await mayDecide(args, edsger);
        return check.as === "none" ? check.why : check.as;
      };
      sim.permit({
        in: "help",
        to: "edsger",
        isMember: true,
        what: "manageChannels",
        as: "denied",
      });
      assert.equal(await why(), "you lack the permission Manage Channels");
      sim.permit({
        in: "help",
        to: "edsger",
        isMember: true,
        what: "manageChannels",
        as: "allowed",
      });
      assert.equal(await why(), "holder");
      sim.timeOut({ who: "edsger", until: clock.now() + 60_000 });
      assert.equal(await why(), "you are timed out");
      sim.timeOut({ who: "edsger", until: undefined });
      sim.setRoles({ who: "edsger", roles: [] });
      assert.equal(await why(), "holder", "the overwrite is for the member");
      sim.permit({ in: "help", to: "edsger", isMember: true, what: "viewChannel", as: "denied" });
      assert.equal(await why(), "you lack the permission View Channel");
    }));

  it("compares the role order of the person who decides", () =>
    withActions(async (scene) => {
      const { mayDecide, permit, sim, target, crew, demo: { people } } = scene;
      const edsger = officer(scene);
      permit("kickMembers", "manageRoles");
      const kick = { action: "kick", userId: target.id };
      assert.deepEqual(await mayDecide(kick, edsger), { as: "holder" });
      sim.setRoles({ who: target.username, roles: ["officers"] });
      assert.deepEqual(await mayDecide(kick, edsger), {
        as: "none",
        why: "your highest role is not above that of the other member",
      });
      const give = { action: "roleAdd", userId: people.grace.id, roleId: crew.id };
      assert.deepEqual(await mayDecide(give, edsger), { as: "holder" });
      sim.setRoles({ who: "edsger", roles: ["crew"] });
      assert.equal((await mayDecide(give, edsger)).as, "none");
    }));

  it("refuses a person to whom the config closes the channel, and one who is no member", () =>
    withActions(async (scene) => {
      const { mayDecide, permit, demo: { people, channels } } = scene;
      permit("manageChannels");
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      const check = await mayDecide(args, people.edsger);
      assert.deepEqual(check, { as: "none", why: "you are not a member of that server" });
    }));

  it("refuses a call that the bot itself cannot make, in words", () =>
    withActions(async (scene) => {
      const { mayDecide, permit, demo: { channels } } = scene;
      const edsger = officer(scene);
      permit("manageMessages");
      const args = { action: "deleteMessage", channelId: channels.help.id, messageId: "1" };
      const check = await mayDecide(args, edsger);
      assert.ok(check.as === "none");
      assert.match(check.why, /no such message/);
    }));
});

describe("[T11] a call that a holder of the right has allowed", () => {
  it("runs with the rights of that person, as they are then", () =>
    withActions(async (scene) => {
      const { run, permit, demo: { channels, people } } = scene;
      const edsger = officer(scene);
      permit("manageChannels");
      const args = { action: "channelEdit", channelId: channels.help.id, name: "new" };
      assert.match(await run(args, { decision: byRight(edsger) }), /^Changed/);
      permit();
      assert.match(
        await run({ ...args, name: "newer" }, { decision: byRight(edsger) }),
        /the person who allowed it may not do that there: they lack the permission Manage Channels$/,
      );
      assert.match(
        await run({ ...args, name: "newer" }, { decision: byRight(people.grace) }),
        /Manage Channels/,
      );
    }));

  it("reaches no other target than the holder may reach", () =>
    withActions(async (scene) => {
      const { run, permit, sim, target } = scene;
      const edsger = officer(scene);
      permit("kickMembers");
      sim.setRoles({ who: target.username, roles: ["captain"] });
      const kick = { action: "kick", userId: target.id };
      assert.match(
        await run(kick, { decision: byRight(edsger) }),
        /the person who allowed it may not do that there: their highest role is not above/,
      );
    }));
});
