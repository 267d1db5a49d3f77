/** Plays requests that Discord refuses for good. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

/** A person owns the bot, and approves commands. */
const asks = (person: string) => ({ simulator }: Scene) => ({
  discord: () => ({ execApprovals: { enabled: true, approvers: [simulator.user(person)] } }),
  config: {
    commands: { ownerAllowFrom: [simulator.user(person)] },
    exec: { mode: "ask", sandbox: "off" },
  },
});

describe("[A1] an approval that can reach no one", () => {
  const play = sharedBot({ mayRefuse: () => true });

  for (
    const [person, status, code] of [["ada", 400, 50007], ["grace", 404, 10013]] as const
  ) {
    it(`is told in the channel and shown by status: ${status} ${code}`, () =>
      play(async (scene) => {
        const { simulator, cli, eventually, say, mention, until, written, here } = scene;
        const id = simulator.user(person);
        const rule = simulator.faults.rest.add({
          method: "POST",
          route: "/users/@me/channels",
          fault: { kind: "status", status, code },
        });
        say(person, here, `${mention}\ncall: exec {"argv":["true"]}`);
        await until(
          "the notice",
          () => written(here).some((one) => new RegExp(`needs a decision of <@${id}>`).test(one)),
        );
        const asked = rule.hits();
        await eventually("status to tell", async () => {
          const shown = (await cli("status")).stdout.join("\n");
          return new RegExp(`warn +Questions .*questions do not reach the user ${id}`).test(
            shown,
          );
        });
        assert.equal(rule.hits(), asked);
      }, asks(person)));
  }

  it("of a person who takes no direct messages is told each time", () =>
    play(async (scene) => {
      const { simulator, cli, eventually, say, mention, until, written, here } = scene;
      simulator.invite({ who: "edsger" });
      setMessages(simulator, "edsger", false);
      const id = simulator.user("edsger");
      const notices = () =>
        written(here).filter((one) => new RegExp(`needs a decision of <@${id}>`).test(one)).length;
      say("edsger", here, `${mention}\ncall: exec {"argv":["true"]}`);
      await until("the notice", () => notices() === 1);
      await eventually("status to tell", async () => {
        const shown = (await cli("status")).stdout.join("\n");
        return new RegExp(`warn +Questions .*questions do not reach the user ${id}`).test(
          shown,
        );
      });
      say("edsger", here, `${mention}\ncall: exec {"argv":["true"]}`);
      await until("the second notice", () => notices() === 2);
    }, asks("edsger")));
});

/** Discord opens a channel with such a person, and refuses each message there. */
function setMessages({ world, user }: Simulator, who: string, acceptsDms: boolean): void {
  const person = world.users.get(user(who));
  assert.ok(person);
  world.users.set(person.id, { ...person, acceptsDms });
}

describe("[P3] an owner who takes no direct messages", () => {
  it("is named by status, until a message arrives", () =>
    withSimulation({ mayRefuse: () => true }, async (scene) => {
      const { simulator, start, cli, eventually, say, replies } = scene;
      const owner = [...simulator.world.users.values()].find(({ id }) =>
        id === simulator.application.ownerId
      );
      assert.ok(owner);
      setMessages(simulator, owner.username, false);
      await start();
      say("mallory", "dm", "hello");
      await replies("dm", 1, "mallory");
      const isNamed = async () => /warn +Owners /.test((await cli("status")).stdout.join("\n"));
      await eventually("status to name the owner", isNamed);
      setMessages(simulator, owner.username, true);
      say(owner.username, "dm", "hello"); // Barnacle tries the channel again
      await eventually("status to be quiet", async () => !await isNamed());
    }));
});

describe("[P3] a server that opens no direct messages with an owner", () => {
  it("gets one request for a pairing, and status names the owner", () =>
    withSimulation({ mayRefuse: () => true }, async (scene) => {
      const { simulator, start, cli, eventually, say, replies } = scene;
      const rule = simulator.faults.rest.add({
        method: "POST",
        route: "/users/@me/channels",
        fault: { kind: "status", status: 400, code: 50007 },
      });
      await start();
      say("mallory", "dm", "hello");
      await replies("dm", 1, "mallory");
      await eventually("status to tell", async () => {
        const shown = (await cli("status")).stdout.join("\n");
        return /warn +Owners .*pairing requests do not reach the owner \d+/.test(shown);
      });
      assert.equal(rule.hits(), 1);
    }));
});
