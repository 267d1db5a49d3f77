import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RegisteredCommand } from "../../../src/core/discord/registered_command.ts";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import { createRegistration, toRegistered } from "../../../src/flows/interactions/register.ts";
import type { Command } from "../../../src/interactions/command.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const APPLICATION = "99" as ApplicationId;
const command = (name: string, fields: Partial<Command> = {}): Command => ({
  name,
  description: `Show ${name}`,
  options: [],
  needs: "everyone",
  run: () => "",
  ...fields,
});
const ENTRY_POINT = [{ type: 4 }];
const REFUSED = new Error("50035");
const DAYS = { name: "days", description: "How many", type: "whole", isRequired: true } as const;

function setUp(registered: readonly RegisteredCommand[], wanted: readonly Command[]) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const written: (readonly RegisteredCommand[])[] = [];
  const world: { failure?: Error; listed: number } = { listed: 0 };
  const registration = createRegistration({
    wanted: () => wanted,
    list() {
      world.listed++;
      return world.failure
        ? Promise.reject(world.failure)
        : Promise.resolve({ commands: registered, entryPoint: ENTRY_POINT });
    },
    replace(_, { commands, entryPoint }) {
      assert.equal(entryPoint, ENTRY_POINT, "it stays");
      written.push(commands);
      return Promise.resolve();
    },
    isFinal: (error) => error === REFUSED,
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

  it("retries after a failure", async () => {
    const { registration, clock, written, world, lines } = setUp([], [status]);
    world.failure = new Error("offline");
    registration.register(APPLICATION);
    await settle();
    assert.deepEqual([written, lines.map(({ level }) => level)], [[], ["warn"]]);
    delete world.failure;
    clock.advance(60_000);
    await settle();
    assert.equal(written.length, 1);
  });

  it("gives up after a permanent refusal, and logs it once", async () => {
    const { registration, clock, world, lines } = setUp([], [status]);
    world.failure = REFUSED;
    registration.register(APPLICATION);
    await settle();
    clock.advance(600_000);
    await settle();
    assert.deepEqual([world.listed, lines.map(({ level }) => level)], [1, ["error"]]);
  });

  it("compares once for all waiting changes of the config", async () => {
    const { registration, clock, world } = setUp([], [status]);
    world.failure = new Error("offline");
    registration.register(APPLICATION);
    await settle();
    delete world.failure;
    for (let i = 0; i < 5; i++) registration.register(APPLICATION);
    clock.advance(60_000);
    await settle();
    assert.ok(world.listed <= 3, `it looked ${world.listed} times`);
  });

  it("logs commands of others that it removes", async () => {
    const { registration, lines } = setUp([toRegistered(command("play"))], [status]);
    registration.register(APPLICATION);
    await settle();
    assert.equal(lines[0]?.fields.removed, "/play");
  });

  it("spells options as Discord does", () => {
    assert.deepEqual(toRegistered(usage).options, [
      { type: 4, name: "days", description: "How many", required: true },
    ]);
  });
});
