import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createGuilds, prepareKeepGuild } from "../../../src/store/gateway/accounts.ts";
import { createUngroupedTransactions } from "../../../src/store/database/transact.ts";
import { ACCOUNT, guildId } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";

function openGuilds() {
  const database = openDatabase();
  const { guildsOf } = createGuilds(createUngroupedTransactions(database));
  return { database, guildsOf, keep: prepareKeepGuild(database) };
}

describe("createGuilds()", () => {
  it("[G5] returns the newest snapshot of each guild, byte for byte", async () => {
    const { guildsOf, keep } = openGuilds();
    const text = '{"name":"Ünïcödé 🐚"}';
    keep(ACCOUNT, { guildId: guildId("1"), text: "old" });
    keep(ACCOUNT, { guildId: guildId("1"), text });
    keep(ACCOUNT, { guildId: guildId("2"), text: "" });
    keep(toAccountId("second"), { guildId: guildId("3"), text });
    assert.deepEqual(await guildsOf(ACCOUNT), [
      { guildId: "1", text },
      { guildId: "2", text: "" },
    ]);
  });

  it("[G5] removes a guild from the account that left it, and from no other", async () => {
    const { guildsOf, keep } = openGuilds();
    const second = toAccountId("second");
    for (const account of [ACCOUNT, second]) keep(account, { guildId: guildId("1"), text: "x" });
    keep(ACCOUNT, { guildId: guildId("1"), text: undefined });
    assert.deepEqual(await guildsOf(ACCOUNT), []);
    assert.equal((await guildsOf(second)).length, 1);
  });

  it("[X2] refuses a row of an unknown form", async () => {
    const { database, guildsOf } = openGuilds();
    database.exec("INSERT INTO guild VALUES ('default', 'not an id', 'x')");
    await assert.rejects(guildsOf(ACCOUNT), /Not a Discord id/);
  });
});
