import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeEventPlaces } from "../../../src/extras/hooks/place_findings.ts";
import type { SeenGuild } from "../../../src/flows/preflight/permissions.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

const GUILD: SeenGuild = {
  id: guildId("100"),
  name: "Krill & Co",
  risky: [],
  details: {
    channels: [
      { id: channelId("1"), name: "help", missing: [] },
      {
        id: channelId("2"),
        name: "ops",
        missing: [{ permission: "Send Messages", deniedBy: "the role Krill" }],
      },
      { id: channelId("4"), name: "ideas", missing: [], isForum: true },
    ],
  },
};

const to = (id: string) => ({ to: `channel:${id}` });

describe("[W3] [T15] judgeEventPlaces()", () => {
  const cases: readonly (readonly [what: string, id: string, status: string, why: string])[] = [
    ["an open place", "1", "pass", "1 %: the bot may write in their places"],
    [
      "a place without rights",
      "2",
      "fail",
      'the % "a" cannot write in #ops: Send Messages is missing',
    ],
    ["a forum", "4", "fail", 'the % "a" cannot write in #ideas: it is a forum'],
    [
      "an unknown place",
      "3",
      "warn",
      'the place of the % "a" is no channel that the bot sees; a thread is not checked',
    ],
  ];
  for (const [what, id, status, text] of cases) {
    it(`judges ${what}`, () => {
      const why = (word: string) => text.replace("%", word);
      const ofHook = judgeEventPlaces({ hooks: { a: to(id) }, feeds: {} }, [GUILD]);
      assert.deepEqual(
        ofHook.map((found) => [found.id, found.status, found.why]),
        [["discord.hooks", status, why("hook")]],
      );
      const ofFeed = judgeEventPlaces({ hooks: {}, feeds: { a: to(id) } }, [GUILD]);
      assert.deepEqual(
        ofFeed.map((found) => [found.id, found.status, found.why]),
        [["discord.feeds", status, why("feed")]],
      );
    });
  }

  it("[W7] tells the server whose audit log an entry for given roles needs", () => {
    const blind = { ...GUILD, lacksAuditLog: true };
    const entry = { event: "role_given", ...to("1") };
    const rows:
      readonly (readonly [entry: object, guilds: readonly SeenGuild[], fails: boolean])[] = [
        [entry, [blind], true],
        [entry, [GUILD], false],
        [entry, [GUILD, { ...blind, id: guildId("200"), details: { channels: [] } }], false],
        [{ ...entry, where: ["guild:100"], to: "user:7" }, [blind], true],
        [{ ...entry, where: ["guild:200"] }, [blind], false],
        [{ ...entry, event: "boost" }, [blind], false],
      ];
    for (const [rules, guilds, fails] of rows) {
      const hooks = { "on:role_given:0.1:main": rules as typeof entry };
      const [found] = judgeEventPlaces({ hooks, feeds: {} }, guilds);
      assert.equal(found?.status === "fail", fails, JSON.stringify(rules));
      if (!fails) continue;
      assert.equal(found?.where, "agents.list[0].on[1].event");
      assert.match(found?.why ?? "", /no role in Krill & Co: View Audit Log is missing/);
    }
  });

  it("says nothing without hooks and feeds, and that it does not know what it has not read", () => {
    assert.deepEqual(judgeEventPlaces({ hooks: {}, feeds: {} }, [GUILD]), []);
    const hooks = { a: to("3"), b: to("5") };
    const unread = [GUILD, { ...GUILD, details: undefined }];
    const [finding] = judgeEventPlaces({ hooks, feeds: {} }, unread);
    assert.deepEqual(
      [finding?.status, finding?.why],
      ["skipped", "places in servers whose channels are not read: 2 of 2 hooks"],
    );
    const direct = { a: { to: "user:5" } };
    assert.equal(judgeEventPlaces({ hooks: direct, feeds: {} }, unread)[0]?.status, "pass");
  });
});
