import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RegisteredCommand } from "../../../src/core/discord/registered_command.ts";
import type { ApplicationId, GuildId } from "../../../src/core/discord/ids.ts";
import {
  type CommandScope,
  createRegistration,
  createWantedCommands,
  toRegistered,
} from "../../../src/flows/interactions/register.ts";
import type { Command } from "../../../src/interactions/base/command.ts";
import { ACCOUNT, guildId } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";
import { sameData } from "../../support/same_data.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { openTestStore } from "../../support/store/store.ts";

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

function setUp(
  registered: readonly RegisteredCommand[],
  wanted: readonly Command[],
  scopes: readonly CommandScope[] = [{ commands: wanted.map((one) => toRegistered(one)) }],
) {
  const { account, clock, lines } = testAccount();
  const written: (readonly RegisteredCommand[])[] = [];
  const guilds: (string | undefined)[] = [];
  const world: {
    failure?: Error;
    /** Until when Discord lets the bot wait. */
    waits?: Promise<void>;
    listed: number;
  } = { listed: 0 };
  const registration = createRegistration(account, {
    wanted: () => Promise.resolve(scopes),
    list() {
      world.listed++;
      return world.failure
        ? Promise.reject(world.failure)
        : Promise.resolve({ commands: registered, entryPoint: ENTRY_POINT });
    },
    async replace(_, guildId, { commands, entryPoint }) {
      await world.waits;
      guilds.push(guildId);
      assert.equal(entryPoint, ENTRY_POINT, "it stays");
      written.push(commands);
    },
    onRegistered: () => Promise.resolve(),
    isFinal: (error) => error === REFUSED || /50035|30034/.test(String(error)),
  });
  return { registration, clock, lines, written, guilds, world };
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
      const { registration, written } = setUp(registered.map((one) => toRegistered(one)), wanted);
      registration.register(APPLICATION);
      await settle();
      assert.deepEqual(written, isWritten ? [wanted.map((one) => toRegistered(one))] : []);
    });
  }

  it("is a problem for health while Discord lets it wait, as for twelve hours", async () => {
    const { registration, clock, world } = setUp([], [status]);
    const { promise, resolve } = Promise.withResolvers<void>();
    world.waits = promise;
    registration.register(APPLICATION);
    await settle();
    clock.advance(59_999);
    assert.deepEqual(registration.findings(), []);
    clock.advance(1);
    assert.match(registration.findings()[0]?.why ?? "", /Discord asks to wait/);
    resolve();
    await settle();
    assert.deepEqual(registration.findings(), []);
  });

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

  it("[K3] shows owners' commands to members with Manage Server only", () => {
    const owned = toRegistered(command("pause", { needs: "owner" }));
    assert.equal(owned.default_member_permissions, "32");
    assert.equal(toRegistered(status).default_member_permissions, undefined);
  });

  it("clears one scope, and registers in another", async () => {
    const guild = guildId("1400000000000000001");
    const { registration, written, guilds } = setUp([toRegistered(status)], [], [
      { commands: [] },
      { guildId: guild, commands: [toRegistered(usage)] },
    ]);
    registration.register(APPLICATION);
    await settle();
    assert.deepEqual(guilds, [undefined, guild]);
    assert.deepEqual(written.map((commands) => commands.map(({ name }) => name)), [[], ["usage"]]);
  });

  it("replaces a hundred commands of another program, instead of adding to them (30032)", async () => {
    const others = Array.from({ length: 100 }, (_, index) => toRegistered(command(`play${index}`)));
    const { registration, written } = setUp(others, [status]);
    registration.register(APPLICATION);
    await settle();
    assert.deepEqual(written, [[toRegistered(status)]]);
  });
});

describe("[K1] toRegistered()", () => {
  it("has suggestions, choices and subcommands", () => {
    const choices = [{ name: "me", value: "me" }];
    const who = { name: "who", description: "Who", type: "text", isRequired: false } as const;
    const { options } = toRegistered(command("forget", {
      subcommands: [{
        name: "now",
        description: "Now",
        options: [{ ...who, choices }, { ...who, name: "why", suggest: () => [] }],
      }],
    }));
    sameData(options, [{
      type: 1,
      name: "now",
      description: "Now",
      options: [
        { type: 3, name: "who", description: "Who", choices },
        { type: 3, name: "why", description: "Who", autocomplete: true },
      ],
    }]);
  });
});

const GUILD = guildId("1400000000000000001");

function build(
  reading = false,
  servers: readonly ("operator" | "each")[] = [],
  talks = false,
) {
  const { store } = openTestStore();
  const discord: { nativeCommands: boolean; commands: { guildId?: GuildId } } = {
    nativeCommands: true,
    commands: {},
  };
  const config = () => ({ discord });
  const wanted = createWantedCommands(
    { accountId: ACCOUNT, config, store, now: () => 1 },
    interactionContext({
      config: {
        allows: () => ({ reading, writing: false }),
        paths: () => [],
        get: () => Promise.resolve(undefined),
        set: () => Promise.resolve(undefined),
      },
      mcp: {
        ids: (login) => servers.filter((one) => one === login),
        states: () => assert.fail("the menu needs no logins"),
        begin: () => assert.fail("the menu begins no sign-in"),
        finish: () => assert.fail("the menu ends no sign-in"),
        logout: () => assert.fail("the menu deletes no login"),
      },
      talks: () => talks,
    }),
  );
  const shown = (scopes: readonly CommandScope[]) =>
    scopes.map(({ guildId, commands }) => `${guildId ?? "all"}: ${commands.length > 0}`);
  return { discord, wanted, shown };
}

describe("[K1] createWantedCommands()", () => {
  it("registers in one guild, and clears it when the config no longer names it", async () => {
    const { discord, wanted, shown } = build();
    discord.commands.guildId = GUILD;
    const scopes = await wanted.wanted();
    assert.deepEqual(shown(scopes), ["all: false", `${GUILD}: true`]);
    for (const scope of scopes) await wanted.onRegistered(scope);
    delete discord.commands.guildId;
    const later = await wanted.wanted();
    assert.deepEqual(shown(later), ["all: true", `${GUILD}: false`]);
    for (const scope of later) await wanted.onRegistered(scope);
    assert.deepEqual(shown(await wanted.wanted()), ["all: true"]);
  });
});
