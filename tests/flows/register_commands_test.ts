import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { commandFindings, toRegistered } from "../../src/flows/register_commands.ts";
import type { Command } from "../../src/interactions/base/command.ts";
import { COMMANDS } from "../../src/interactions/registry.ts";
import { refused } from "../support/discord/answers.ts";
import { sameData } from "../support/same_data.ts";
import { GUILD } from "../support/discord/payloads.ts";
import { testAccount } from "../support/bot/test_account.ts";

const command = (name: string, fields: Partial<Command> = {}): Command => ({
  ...{ name, description: `Show ${name}`, options: [], needs: "everyone", run: () => "" },
  ...fields,
});
const ENTRY_POINT = { type: 4, name: "launch" };

interface Sent {
  readonly name?: string;
  readonly description?: string;
  readonly default_member_permissions?: number | string;
}
type Listed = readonly Sent[];

/** A bot that has just come online, and what Discord has of its commands, by their place. */
async function online(had: Record<string, Listed> = {}, discord: object = {}) {
  const at: Record<string, Listed> = { ...had };
  const written: string[] = [];
  const world: { failure?: Error; isSlow?: boolean } = {};
  const bot = await testAccount({
    discord,
    answer({ method, path, body }) {
      const place = /^\/applications\/\d+(.*)\/commands$/.exec(path)?.[1];
      if (place === undefined) return undefined;
      if (world.isSlow) return new Promise(() => {});
      if (world.failure) return world.failure;
      if (method === "GET") return at[place] ?? [];
      written.push(place);
      at[place] = Object.values(body as Record<string, Sent>).map((one) => ({
        ...one,
        default_member_permissions: one.default_member_permissions?.toString(),
      }));
      return at[place];
    },
  });
  const { registerLater } = await import("../../src/flows/register_commands.ts");
  registerLater(bot.account);
  registerLater(bot.account);
  const names = (place = "") => (at[place] ?? []).map(({ name }) => name);
  const why = () => commandFindings(bot.account)[0]?.why ?? "";
  return { ...bot, at, written, world, names, why };
}

const NAMES = COMMANDS.filter(({ isOffered }) => !isOffered).map(({ name }) => name);

describe("[K1] the registration of commands", () => {
  it("replaces the list of Discord once, two seconds after READY, and keeps its entry point", async () => {
    const others = Array.from(
      { length: 99 },
      (_, n) => ({ type: 1, name: `play${n}`, options: [] }),
    );
    const { pass, names, written, lines } = await online({ "": [...others, ENTRY_POINT] });
    await pass(1_999);
    assert.deepEqual(written, []);
    await pass(1);
    assert.deepEqual(written, [""]);
    assert.deepEqual(names().slice(0, NAMES.length), NAMES);
    assert.equal(names().at(-1), "launch");
    assert.match(String(lines.at(-1)?.fields.removed), /^\/play0, /);
  });

  it("writes nothing that is there, in any order, and all again after a change", async () => {
    const first = await online();
    await first.pass(2_000);
    const had = first.at[""] ?? [];
    const again = await online({ "": had.toReversed() });
    await again.pass(2_000);
    assert.deepEqual(again.written, []);
    const [one, ...rest] = had;
    const changed = await online({ "": [{ ...one, description: "Old" }, ...rest] });
    await changed.pass(2_000);
    assert.ok(isDeepStrictEqual(changed.at[""], had));
  });

  it("follows the config after a reload: off, and other commands", async () => {
    const { pass, reload, names, written } = await online();
    await pass(2_000);
    assert.ok(!names().includes("join"));
    await reload({}, { voice: {} });
    assert.ok(names().includes("join"));
    await reload({}, { commands: { native: false } });
    assert.deepEqual([names(), written.length], [[], 3]);
  });

  it("moves to one guild, and clears it when the config no longer names it", async () => {
    const { pass, reload, names } = await online({}, { commands: { guildId: GUILD } });
    const guild = `/guilds/${GUILD}`;
    await pass(2_000);
    assert.deepEqual([names().length, names(guild).length > 9], [0, true]);
    await reload({ commands: { guildId: undefined } });
    assert.deepEqual([names().length > 9, names(guild).length], [true, 0]);
  });

  it("tries again after a failure, and says so until it succeeds", async () => {
    const { pass, world, names, why } = await online();
    world.failure = new Error("offline");
    await pass(2_000);
    assert.match(why(), /tries again: offline/);
    delete world.failure;
    await pass(60_000);
    assert.deepEqual([names().length > 9, why()], [true, ""]);
  });

  it("gives up if Discord refuses them, and says why", async () => {
    const { pass, world, why, requests } = await online();
    world.failure = refused(403, 50001);
    await pass(2_000);
    const tried = requests.length;
    await pass(600_000, 60_000);
    assert.match(why(), /do not see the slash commands: GET \/ Discord refused it/);
    assert.equal(requests.length, tried);
  });

  it("is a problem once Discord lets it wait for a minute", async () => {
    const { pass, world, why } = await online();
    world.isSlow = true;
    await pass(61_000, 1_000);
    assert.equal(why(), "");
    await pass(1_000);
    assert.match(why(), /Discord asks to wait/);
  });
});

describe("[K1] toRegistered()", () => {
  it("[K3] shows owners' commands to members with Manage Server only", () => {
    assert.equal(
      toRegistered(command("pause", { needs: "owner" })).default_member_permissions,
      "32",
    );
    assert.equal(toRegistered(command("status")).default_member_permissions, undefined);
  });

  it("has suggestions, choices and subcommands", () => {
    const choices = [{ name: "me", value: "me" }];
    const who = { name: "who", description: "Who", type: "text", isRequired: false } as const;
    const { options } = toRegistered(command("forget", {
      subcommands: [{
        name: "now",
        description: "Now",
        options: [{ ...who, choices }, {
          ...who,
          name: "why",
          isRequired: true,
          suggest: () => [],
        }],
      }],
    }));
    sameData(options, [{
      type: 1,
      name: "now",
      description: "Now",
      options: [
        { type: 3, name: "who", description: "Who", choices },
        { type: 3, name: "why", description: "Who", required: true, autocomplete: true },
      ],
    }]);
  });
});
