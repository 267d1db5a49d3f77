import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import {
  createRegistration,
  type RegisteredCommand,
  toRegistered,
} from "../../../src/flows/interactions/register.ts";
import type { Command } from "../../../src/interactions/command.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const APPLICATION = "99" as ApplicationId;
const command = (name: string, fields: Partial<Command> = {}): Command => ({
  name,
  description: `Show ${name}`,
  options: [],
  needs: "everybody",
  run: () => "",
  ...fields,
});
const DAYS = { name: "days", description: "How many", type: "whole", isRequired: true } as const;

function setUp(registered: readonly RegisteredCommand[], wanted: readonly Command[]) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const written: (readonly RegisteredCommand[])[] = [];
  const world = { isDown: false };
  const registration = createRegistration({
    wanted: () => wanted,
    list: () => world.isDown ? Promise.reject(new Error("offline")) : Promise.resolve(registered),
    replace(_, commands) {
      written.push(commands);
      return Promise.resolve();
    },
    schedule: clock.schedule,
    random: () => 0,
    log,
  });
  return { registration, clock, lines, written, world };
}

describe("[K1] createRegistration()", () => {
  const status = command("status");
  const usage = command("usage", { options: [DAYS] });
  const cases: readonly [
    what: string,
    registered: readonly Command[],
    wanted: readonly Command[],
    isWritten: boolean,
  ][] = [
    ["nothing registered", [], [status], true],
    ["the same, in another order", [usage, status], [status, usage], false],
    ["another description", [command("status", { description: "Old" })], [status], true],
    ["another option", [command("usage")], [usage], true],
    ["a command of another program", [status, command("play")], [status], true],
    ["commands, and the config switches them off", [status], [], true],
    ["nothing, and the config switches them off", [], [], false],
  ];
  for (const [what, registered, wanted, isWritten] of cases) {
    it(`${isWritten ? "writes all" : "writes nothing"} if Discord has ${what}`, async () => {
      const { registration, written } = setUp(registered.map(toRegistered), wanted);
      registration.register(APPLICATION);
      await settle();
      assert.deepEqual(written, isWritten ? [wanted.map(toRegistered)] : []);
    });
  }

  it("tries again after a failure", async () => {
    const { registration, clock, written, world, lines } = setUp([], [status]);
    world.isDown = true;
    registration.register(APPLICATION);
    await settle();
    assert.deepEqual([written, lines.map(({ level }) => level)], [[], ["warn"]]);
    world.isDown = false;
    clock.advance(60_000);
    await settle();
    assert.equal(written.length, 1);
  });

  it("spells options as Discord does", () => {
    assert.deepEqual(toRegistered(usage).options, [
      { type: 4, name: "days", description: "How many", required: true },
    ]);
  });
});
