import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, discord, problemLines } from "../support.ts";

describe("[P13] channels.discord.pluralkit.apiUrl", () => {
  const taken = [
    "https://api.pluralkit.me/v2",
    "https://pk.example.org:8443/v2/",
    "http://127.0.0.1:9000/v2",
    "http://[::1]:9000",
    "http://localhost:9000",
  ];
  for (const url of taken) {
    it(`takes ${url}`, async () => {
      const config = await configOf(discord(`"pluralkit":{"apiUrl":"${url}"}`));
      assert.equal(config.discord.pluralkit.apiUrl, url.replace(/\/$/, ""));
    });
  }

  const refused = [
    "http://api.pluralkit.me/v2",
    "http://192.168.1.2/v2",
    "http://127.0.0.1.example.org/v2",
    "https://user:hunter2@pk.example.org/v2",
    "ftp://127.0.0.1/v2",
    "api.pluralkit.me",
    "",
  ];
  for (const url of refused) {
    it(`refuses ${url || "nothing"}, where a token must not go`, async () => {
      const found = await problemLines(discord(`"pluralkit":{"apiUrl":"${url}"}`));
      assert.match(found.join(), /^error channels\.discord\.pluralkit\.apiUrl: /);
    });
  }
});

describe("[P4] a role in a list of people", () => {
  for (const entry of ["role:1400000000000000003", "Role:Mods"]) {
    it(`${entry} is refused for direct messages, which carry no roles`, async () => {
      const found = await problemLines(
        `{"channels":{"discord":{"dm":{"allowFrom":["ada","${entry}"]},
          "accounts":{"work":{"token":"t","dm":{"allowFrom":["${entry}"]}}}}}}`,
      );
      assert.deepEqual(found, [
        `error channels.discord.dm.allowFrom[1]: "${entry}" matches no one: a direct message has no roles`,
        `error channels.discord.accounts.work.dm.allowFrom[0]: "${entry}" matches no one: a direct message has no roles`,
      ]);
    });

    it(`${entry} is accepted for a guild`, async () => {
      await configOf(discord(`"guilds":{"*":{"users":["${entry}"]}}`));
    });
  }
});

describe("[P11] channels.discord.loopGuard", () => {
  it("needs at least one message, and never mutes for ever", async () => {
    for (const keys of ['"maxTurns":0', '"muteMin":-1', '"muteMin":1441', '"maxTurns":1.5']) {
      const found = await problemLines(discord(`"loopGuard":{${keys}}`));
      assert.match(found.join(), /^error channels\.discord\.loopGuard\./);
    }
  });
});
