import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configIds } from "../../../src/config/keys/config_ids.ts";
import { loadTestConfig } from "../../support/config.ts";

/** Ids with the first digits of a snowflake, each once. */
const id = (number: number): string => String(1_400_000_000_000_000_000n + BigInt(number));

const config = () =>
  loadTestConfig({
    commands: { guildId: id(1) },
    allowedMentions: { roles: [id(2)] },
    dms: { [id(3)]: { historyLimit: 5 } },
  }, {
    bindings: [
      { agentId: "main", match: { guildId: id(6), channelId: id(7), userId: id(8) } },
      { agentId: "main", match: { accountId: "Default", userId: id(9) } },
      { agentId: "main", match: {} },
    ],
    budgets: { perRole: { [id(10)]: { tokensPerDay: 1 } } },
    tools: { discord: { alsoGuilds: [id(11)] } },
  });

describe("[P7] configIds()", () => {
  it("lists each id beside the access rules with its place", async () => {
    const listed = configIds(await config(), true);
    const rows = listed.map(({ kind, id, guild, rule }) => [kind, id, guild, rule]);
    assert.deepEqual(rows, [
      ["guild", id(1), undefined, "channels.discord.commands.guildId"],
      ["role", id(2), "*", "channels.discord.allowedMentions.roles[0]"],
      ["user", id(3), undefined, `channels.discord.dms.${id(3)}`],
      ["guild", id(6), undefined, "bindings[0].match.guildId"],
      ["channel", id(7), undefined, "bindings[0].match.channelId"],
      ["user", id(8), "*", "bindings[0].match.userId"],
      ["user", id(9), "*", "bindings[1].match.userId"],
      ["role", id(10), "*", `budgets.perRole.${id(10)}`],
      ["guild", id(11), undefined, "tools.discord.alsoGuilds[0]"],
    ]);
  });

  it("leaves out ids that another account may mean", async () => {
    const listed = configIds(await config(), false);
    assert.deepEqual(listed.map((one) => one.id), [id(9)]);
  });

  it("lists an account's own ids beside other accounts", async () => {
    const own = { allowedMentions: { roles: [id(20)] }, commands: { guildId: id(21) } };
    const shared = { allowedMentions: { roles: [id(2)] }, dms: { [id(3)]: {} } };
    const listed = configIds(
      await loadTestConfig({ ...shared, accounts: { default: own } }),
      false,
    );
    const path = "channels.discord.accounts.default";
    assert.deepEqual(listed.map(({ id, rule }) => [id, rule]), [
      [id(21), `${path}.commands.guildId`],
      [id(20), `${path}.allowedMentions.roles[0]`],
    ]);
  });

  it("lists nothing of a config without ids", async () => {
    assert.deepEqual(configIds(await loadTestConfig(), true), []);
  });
});
