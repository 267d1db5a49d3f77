import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuildId } from "../../../src/core/discord/ids.ts";
import {
  type CommandScope,
  createWantedCommands,
} from "../../../src/flows/interactions/register.ts";
import { ACCOUNT, guildId } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { openTestStore } from "../../support/store/store.ts";

const GUILD = guildId("1400000000000000001");

function build(reading = false, servers: readonly string[] = []) {
  const { store } = openTestStore();
  const discord: { nativeCommands: boolean; commands: { guildId?: GuildId } } = {
    nativeCommands: true,
    commands: {},
  };
  const config = () => ({ discord, messages: { commands: {} } });
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
        ids: () => servers,
        states: () => assert.fail("the menu needs no logins"),
        begin: () => assert.fail("the menu begins no sign-in"),
        finish: () => assert.fail("the menu ends no sign-in"),
        logout: () => assert.fail("the menu deletes no login"),
      },
    }),
  );
  const shown = (scopes: readonly CommandScope[]) =>
    scopes.map(({ guildId, commands }) => `${guildId ?? "all"}: ${commands.length > 0}`);
  return { discord, wanted, shown };
}

describe("[K1] createWantedCommands()", () => {
  it("registers everywhere, or nowhere if the config switches them off", async () => {
    const { discord, wanted, shown } = build();
    assert.deepEqual(shown(await wanted.wanted()), ["all: true"]);
    discord.nativeCommands = false;
    assert.deepEqual(shown(await wanted.wanted()), ["all: false"]);
  });

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

  it("[K4] has /config only if the config allows it", async () => {
    for (const isOn of [true, false]) {
      const [scope] = await build(isOn).wanted.wanted();
      assert.equal(scope?.commands.some(({ name }) => name === "config"), isOn);
    }
  });

  it("[K2] has /mcp only if the config has MCP servers", async () => {
    for (const servers of [[], ["far"]]) {
      const [scope] = await build(false, servers).wanted.wanted();
      assert.equal(scope?.commands.some(({ name }) => name === "mcp"), servers.length > 0);
    }
  });
});
