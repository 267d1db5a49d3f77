import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FoundMember, GuildNames } from "../../../src/core/inbound/inbound.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import {
  connected,
  guildsChanged,
  type KnownNames,
  type Matched,
  matchNames,
  MAX_FOUND,
  resolveAgain,
  searchesFor,
} from "../../../src/flows/names/name_resolver.ts";
import type { UnresolvedName } from "../../../src/policy/rules.ts";
import { channelId, guildId, roleId, userId } from "../../support/discord/builders.ts";
import { ownersToTell } from "../../../src/flows/owners/owner_ids.ts";
import { refused } from "../../support/discord/answers.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { testAccount } from "../../support/bot/test_account.ts";

const NOW = 1_700_000_000_000;
const FRIENDS = guildId("1400000000000000010");
const WORK = guildId("1400000000000000020");

const guild = (fields: Partial<GuildNames> = {}): GuildNames => ({
  id: FRIENDS,
  name: "Friends",
  channels: [{ id: channelId("1400000000000000011"), name: "help" }],
  roles: [{ id: roleId("1400000000000000012"), name: "Krill" }],
  ...fields,
});
const work = (fields: Partial<GuildNames> = {}): GuildNames =>
  guild({
    id: WORK,
    name: "Work",
    channels: [{ id: channelId("1400000000000000021"), name: "Help Desk" }],
    roles: [],
    ...fields,
  });

/** As many members with a similar nickname as Discord returns at most. */
const CROWD: readonly FoundMember[] = Array.from({ length: MAX_FOUND }, (_, index) => ({
  userId: userId(String(300_000_000_000_000_000n + BigInt(index))),
  username: `raider${index}`,
}));
const ada: FoundMember = { userId: userId("123456789012345678"), username: "ada" };
const known = (fields: Partial<KnownNames> = {}): KnownNames => ({
  guilds: [guild(), work()],
  resolved: [],
  membersOf: () => [],
  now: NOW,
  ...fields,
});
const wanted = (
  kind: UnresolvedName["kind"],
  typed: string,
  key?: string,
): UnresolvedName => ({ kind, typed, rule: "r", ...(key !== undefined && { guild: key }) });

/** `"resolved 1400…"`, `"ambiguous 1 2"`, `"unfound no-match"`. */
function said(matched: readonly Matched[]): readonly string[] {
  return matched.map((one) => {
    switch (one.kind) {
      case "resolved":
        return `resolved ${one.name.id}`;
      case "role":
        return `role ${one.role.id}`;
      case "ambiguous":
        return ["ambiguous", ...one.candidates.map(({ id }) => id)].join(" ");
      case "unfound":
        return `unfound ${one.why}`;
    }
  });
}

const HELP = "resolved 1400000000000000011";
const DESK = "resolved 1400000000000000021";

describe("[P12] matchNames() › guilds and channels", () => {
  const duplicates = [guild(), work({ name: "friends" })];
  const twoDesks = [
    { id: channelId("1400000000000000022"), name: "help-desk" },
    { id: channelId("1400000000000000021"), name: "Help Desk" },
  ];
  const two = { guilds: duplicates };
  const cases: readonly [string, UnresolvedName, Partial<KnownNames>, string][] = [
    ["a guild's slug", wanted("guild", "friends"), {}, `resolved ${FRIENDS}`],
    ["a guild's name", wanted("guild", "Friends"), {}, `resolved ${FRIENDS}`],
    ["another case", wanted("guild", "FRIENDS"), {}, "unfound no-match"],
    ["a part of a name", wanted("guild", "friend"), {}, "unfound no-match"],
    ["two guilds", wanted("guild", "friends"), two, `ambiguous ${FRIENDS} ${WORK}`],
    ["the one that is so written", wanted("guild", "Friends"), two, `resolved ${FRIENDS}`],
    ["a channel by the guild's id", wanted("channel", "help", FRIENDS), {}, HELP],
    ["a channel behind #", wanted("channel", "#help", FRIENDS), {}, HELP],
    ["a channel by the guild's name", wanted("channel", "help-desk", "work"), {}, DESK],
    ["a channel of another guild", wanted("channel", "help", WORK), {}, "unfound no-match"],
    ["a channel of any guild", wanted("channel", "help", "*"), {}, HELP],
    ["two channels", wanted("channel", "help-desk", WORK), {
      guilds: [work({ channels: twoDesks })],
    }, "ambiguous 1400000000000000021 1400000000000000022"],
    ["a guild without the bot", wanted("channel", "help", guildId("1")), {}, "unfound no-guild"],
    ["an unknown guild", wanted("channel", "help", "family"), {}, "unfound no-guild"],
    ["a guild that may be two", wanted("channel", "help", "friends"), two, "unfound no-guild"],
  ];
  for (const [name, one, fields, expected] of cases) {
    it(`says ${expected.split(" ")[0]} of ${name}`, () => {
      assert.deepEqual(said(matchNames([one], known(fields))), [expected]);
    });
  }

  it("finds a channel of each guild under *", () => {
    const guilds = [
      guild(),
      work({ channels: [{ id: channelId("1400000000000000029"), name: "help" }] }),
    ];
    const matched = matchNames([wanted("channel", "help", "*")], known({ guilds }));
    assert.deepEqual(
      matched.map((one) =>
        one.kind === "resolved" && one.name.kind === "channel" && one.name.guildId
      ),
      [FRIENDS, WORK],
    );
  });

  it("reads a guild's key as its resolved guild, even if another guild has that name now", () => {
    const resolved: readonly ResolvedName[] = [
      { kind: "guild", id: FRIENDS, typed: "friends", name: "Friends", at: 0 },
    ];
    const guilds = [guild({ name: "Old friends" }), work({ name: "Friends" })];
    const one = wanted("channel", "help", "friends");
    const matched = matchNames([one], known({ guilds, resolved }));
    assert.deepEqual(said(matched), ["resolved 1400000000000000011"]);
  });

  it("keeps the typed text, the name at that time, and the time", () => {
    assert.deepEqual(matchNames([wanted("channel", "#help", "friends")], known()), [{
      kind: "resolved",
      wanted: wanted("channel", "#help", "friends"),
      name: {
        kind: "channel",
        id: "1400000000000000011",
        guildId: FRIENDS,
        name: "help",
        typed: "#help",
        at: NOW,
      },
    }]);
  });
});

describe("[P14] matchNames() › roles", () => {
  const krill = { id: roleId("1400000000000000012"), name: "Krill" };
  const cases: readonly [string, UnresolvedName, Partial<KnownNames>, string][] = [
    ["one role", wanted("role", "Krill", FRIENDS), {}, "role 1400000000000000012"],
    ["another case", wanted("role", "krill", FRIENDS), {}, "unfound no-match"],
    ["a role of another guild", wanted("role", "Krill", WORK), {}, "unfound no-match"],
    ["a role in direct messages", wanted("role", "Krill"), {}, "unfound no-guild"],
    ["two roles", wanted("role", "Krill", FRIENDS), {
      guilds: [guild({ roles: [{ ...krill, id: roleId("1400000000000000013") }, krill] })],
    }, "ambiguous 1400000000000000012 1400000000000000013"],
  ];
  for (const [name, one, fields, expected] of cases) {
    it(`says ${expected.split(" ")[0]} of ${name}`, () => {
      assert.deepEqual(said(matchNames([one], known(fields))), [expected]);
    });
  }
});

describe("[P12] matchNames() › people", () => {
  const name = wanted("user", "ada");
  const found = `resolved ${ada.userId}`;
  const tagged = { userId: userId("200000000000000000"), username: "ada", tag: "ada#1234" };
  const bot: FoundMember = { ...tagged, isBot: true };
  const nick: FoundMember = { userId: userId("300000000000000000"), username: "ada_fan" };
  const lookAlike: FoundMember = { userId: userId("400000000000000000"), username: "\u0430da" };
  const cases: readonly [string, UnresolvedName, readonly FoundMember[] | undefined, string][] = [
    ["a username", name, [ada], found],
    ["another case", wanted("user", "Ada"), [ada], found],
    ["a longer name", name, [nick], "unfound no-match"],
    ["one among longer ones", name, [nick, ada], found],
    ["a look-alike", name, [lookAlike], "unfound no-match"],
    ["two of one name", name, [tagged, ada], `ambiguous ${ada.userId} ${tagged.userId}`],
    // Any person may name a bot freely, so no bot is allowed by such a name.
    ["a bot of that name", name, [bot], "unfound no-match"],
    ["a person beside a bot of that name", name, [bot, ada], found],
    ["a tag", wanted("user", "ada#1234"), [bot, ada], `resolved ${bot.userId}`],
    ["nobody", name, [], "unfound no-match"],
    ["a person who was not searched", name, undefined, "unfound not-searched"],
    ["somebody behind a crowd", name, CROWD, "unfound not-searched"],
    ["somebody in a crowd", name, [...CROWD, ada], found],
  ];
  for (const [what, one, members, expected] of cases) {
    it(`says ${expected.split(" ")[0]} of ${what}`, () => {
      const matched = matchNames([one], known({ membersOf: () => members }));
      assert.deepEqual(said(matched), [expected]);
    });
  }

  it("searches a guild's entries in that guild only", () => {
    const membersOf: KnownNames["membersOf"] = (id) => id === WORK ? [ada] : [];
    const ones = [wanted("user", "ada", "friends"), wanted("user", "ada", "work")];
    assert.deepEqual(said(matchNames(ones, known({ membersOf }))), [
      "unfound no-match",
      `resolved ${ada.userId}`,
    ]);
  });

  it("searches each name once in each of its guilds", () => {
    const ones = [
      wanted("user", "ada", "friends"),
      wanted("user", "ada", FRIENDS),
      wanted("user", "bob"),
      wanted("user", "eve", "family"),
      wanted("role", "Krill", FRIENDS),
    ];
    assert.deepEqual(searchesFor(ones, known()).map(({ guildId, typed }) => [guildId, typed]), [
      [FRIENDS, "ada"],
      [FRIENDS, "bob"],
      [WORK, "bob"],
    ]);
  });
});

describe("[P12] matchNames() › laws", () => {
  const letters = fc.constantFrom("a", "A", "b", "-", " ", "#");
  const name = fc.string({ unit: letters, minLength: 1, maxLength: 3 });
  const guilds = fc.uniqueArray(fc.tuple(fc.bigInt(1n << 40n, 1n << 50n), name), {
    selector: ([id]) => id,
    maxLength: 5,
  }).map((all) => all.map(([id, name]) => guild({ id: guildId(String(id)), name })));

  it("never resolves an ambiguous name, in any order", () => {
    fc.assert(fc.property(guilds, name, (guilds, typed) => {
      const one = wanted("guild", typed);
      const there = matchNames([one], known({ guilds }));
      const back = matchNames([one], known({ guilds: guilds.toReversed() }));
      assert.deepEqual(there, back);
      const [found] = there;
      assert.equal(there.length, 1);
      if (found?.kind === "resolved") {
        const others = guilds.filter(({ id }) => id !== found.name.id);
        assert.equal(matchNames([one], known({ guilds: others }))[0]?.kind, "unfound");
      }
      if (found?.kind === "ambiguous") assert.ok(found.candidates.length > 1);
    }));
  });

  it("never finds a person by a part of the name", () => {
    const member = fc.record({
      userId: fc.bigInt(1n, 1n << 60n).map((id) => userId(String(id))),
      username: name,
    });
    fc.assert(fc.property(fc.array(member, { maxLength: 4 }), name, (members, typed) => {
      const [found] = matchNames([wanted("user", typed)], known({ membersOf: () => members }));
      const same = new Set(
        members.filter(({ username }) => username.toLowerCase() === typed.toLowerCase())
          .map(({ userId }) => userId),
      );
      const kinds = ["unfound", "resolved", "ambiguous"] as const;
      assert.equal(found?.kind, kinds[Math.min(same.size, 2)]);
    }));
  });
});

const OTHER = "1600000000000000002";

/** An account whose config names a guild and a person, in the guild of `payloads.ts`. */
async function build(keys: { users?: readonly string[]; search?: () => unknown } = {}) {
  const { users = ["ada"], search = () => [{ user: { id: "7", username: "ada" } }] } = keys;
  const scene = await testAccount({
    discord: { guilds: { friends: { users } } },
    answer: ({ path }) => path.includes("/members/search") ? search() : undefined,
  });
  const { account, rows, lines, requests, receive } = scene;
  await receive("GUILD_CREATE", guildData());
  return {
    ...scene,
    ready: () => connected(account),
    ids: () => rows("SELECT found_id AS id FROM resolved_name ORDER BY kind").map(({ id }) => id),
    searches: () => requests.filter(({ path }) => path.includes("/members/search")).length,
    warned: () => lines.filter(({ event }) => event.startsWith("A name in the config has")).length,
  };
}

describe("[P12] names in the config", () => {
  it("become ids once the gateway is ready, for the policy, too", async () => {
    const { account, ready, ids, pass } = await build();
    await pass(5_000);
    assert.deepEqual(ids(), [], "before");
    ready();
    await pass(1_000);
    assert.deepEqual(ids().length, 2);
    assert.match(JSON.stringify(account.policy().policy.guilds), /"id":"7"/);
  });

  it("wait for guilds to come, but not for ever; a guild's name waits for all of them", async () => {
    const { receive, ready, ids, searches, pass } = await build();
    await receive("GUILD_CREATE", guildData({ id: OTHER, name: "Others" }));
    await receive("GUILD_DELETE", { id: OTHER, unavailable: true }); // an outage
    ready();
    await pass(14_000, 1_000);
    assert.deepEqual([ids(), searches()], [[], 0]);
    await pass(2_000, 1_000);
    assert.deepEqual([ids(), searches()], [["7"], 1], "the other guild may have such a name");
    await receive("GUILD_CREATE", guildData({ id: OTHER, name: "Others" }));
    await pass(1_000);
    assert.deepEqual(ids().length, 2);
  });

  it("are searched again with a changed guild or config, and not twice without", async () => {
    const { account, ready, receive, searches, warned, pass } = await build({ search: () => [] });
    ready();
    await pass(1_000);
    const [asked, told] = [searches(), warned()];
    guildsChanged(account);
    await pass(1_000);
    assert.deepEqual([searches(), warned()], [asked, told]);
    await receive("GUILD_CREATE", guildData({ id: OTHER, name: "Others" }));
    resolveAgain(account);
    await pass(1_000);
    assert.deepEqual([searches(), warned()], [2 * asked, 2 * told]);
  });

  it("stay names if Discord refuses the search, which is asked once, and again if it fails", async () => {
    const users = ["ada", "bob"];
    let answer: () => unknown = () => new Error("offline");
    const { ready, ids, searches, lines, pass } = await build({ users, search: () => answer() });
    ready();
    await pass(1_000);
    assert.ok(lines.some(({ event }) => event.startsWith("Cannot resolve the names")));
    answer = () => refused(403, 50001);
    await pass(60_000);
    assert.deepEqual([ids().length, searches()], [1, 2]);
    assert.ok(lines.some(({ event }) => event.includes("does not let this bot search members")));
  });

  it("[P10] hold back messages to owners until they were searched", async () => {
    const { account, quiet, pass } = await testAccount({
      beside: { commands: { ownerAllowFrom: ["ada"] } },
    });
    let owners: readonly string[] | undefined;
    void ownersToTell(account).then((found) => owners = found);
    await quiet();
    assert.equal(owners, undefined);
    connected(account);
    await pass(1_000);
    assert.deepEqual(owners, []);
  });
});
