import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  filesLeftOut,
  filesRefused,
  tellLost,
  tellParked,
} from "../../../src/flows/owners/tell_owners.ts";
import { discordWith, GUILD, HELP } from "../../support/discord/guild.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const PLACE = { channelId: HELP, guildId: GUILD };
const DENIED = "cannot attach files in #help: Attach Files is denied for the role Krill";

describe("[R12a] notices about files", () => {
  it("tell the owners once about a channel, also after a restart", async () => {
    const { account, posted, quiet } = await testAccount({ answer: discordWith({}) });
    filesRefused(account, { ...PLACE, reason: DENIED });
    filesRefused(account, { ...PLACE, reason: DENIED });
    await quiet();
    account.live.clear(); // a new process
    filesLeftOut(account, PLACE);
    await quiet();
    assert.equal(posted().length, 1);
    assert.match(posted()[0] ?? "", /Attach Files is denied for the role Krill/);
  });

  for (
    const [isDown, said] of [[true, /Attach Files is missing/], [false, /Attach Files/]] as const
  ) {
    it(`name the permission if Discord ${isDown ? "cannot" : "can"} be asked for the cause`, async () => {
      const world = { isDown: false };
      const { account, posted, quiet } = await testAccount({
        answer: (request) =>
          /^\/guilds|^\/channels\/\d+$/.test(request.path) && isDown
            ? new Error("offline")
            : discordWith(world)(request),
      });
      filesLeftOut(account, PLACE);
      await quiet();
      assert.match(posted()[0] ?? "", said);
    });
  }
});

describe("[D5] notices about undelivered messages", () => {
  const REASONS: readonly (readonly [reason: string, shown: string])[] = [
    ["denied for the role __Mods__", "denied for the role \\_\\_Mods\\_\\_"],
    ["the role 👩\u200d💻 نمی\u200cخواهم", "the role 👩\u200d💻 نمی\u200cخواهم"],
    ["cannot post in #*ops*", "cannot post in #\\*ops\\*"],
    ["timed out until 2026-11-29T10:00:00.500Z", "timed out until <t:1795946400:f>"],
  ];
  it("show reasons as they are written, and times in the zone of the reader", async () => {
    for (const [reason, shown] of REASONS) {
      const { account, posted, quiet } = await testAccount();
      tellParked(account, { ...PLACE, reason });
      await tellLost(account, { ...PLACE, reason, count: 1, key: "one" });
      await quiet();
      assert.equal(posted().length, 2);
      for (const text of posted()) assert.ok(text.includes(shown) && text.includes(HELP), text);
    }
  });
});
