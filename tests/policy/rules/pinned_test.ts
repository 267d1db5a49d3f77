import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId, UserId } from "../../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { unresolvedNames, withNames } from "../../../src/policy/rules/pinned.ts";
import type { AccessPolicy, ChannelRules, GuildRules } from "../../../src/policy/rules/rules.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  sender,
} from "../../support/discord/builders.ts";
import {
  ADA,
  admit,
  BOB,
  CHANNEL,
  commands,
  dm,
  entries,
  GUILD,
  guild,
  policy,
} from "../policies.ts";

const OTHER = guildId("1400000000000000099");

const user = (typed: string, id: UserId, at = 1): ResolvedName => ({
  kind: "user",
  typed,
  name: typed,
  id,
  at,
});
const aGuild = (typed: string, id: GuildId): ResolvedName => ({
  kind: "guild",
  typed,
  name: typed,
  id,
  at: 1,
});
const channel = (typed: string, id: ChannelId, inGuild: GuildId = GUILD): ResolvedName => ({
  kind: "channel",
  typed,
  name: typed,
  id,
  guildId: inGuild,
  at: 1,
});

const why = (rules: AccessPolicy, message = guildMessage({ mention: "user" })) =>
  admit(message, rules).why;
const inGuild = (id: GuildId, name: string) =>
  guildMessage({ mention: "user", place: guildPlace({ guild: { id, name } }) });
const inChannel = (id: ChannelId, name: string) =>
  guildMessage({ mention: "user", place: guildPlace({ channel: { id, name } }) });

describe("[P12] withNames() › people", () => {
  const rules = withNames(
    policy({ dm: dm({ policy: "allowlist", allowFrom: entries("ada", "bob") }) }),
    [user("ada", ADA)],
  );
  const from = (fields: Parameters<typeof sender>[0]) => directMessage({ sender: sender(fields) });

  it("[SEC-R12] denies a later holder of the name", () => {
    assert.equal(why(rules, from({ id: BOB, username: "ada" })), "dm-not-allowed");
  });

  it("allows the resolved person under any name", () => {
    assert.equal(why(rules, from({ id: ADA, username: "ada.lovelace" })), "dm-allowed");
  });

  it("keeps an unresolved entry unchanged", () => {
    assert.equal(why(rules, from({ id: BOB, username: "bob" })), "dm-allowed");
  });

  it("keeps the typed text", () => {
    assert.deepEqual(rules.dm.allowFrom[0], { kind: "user", id: ADA, typed: "ada" });
  });

  it("uses the first result of a name", () => {
    for (const names of [[user("ada", ADA, 1), user("ada", BOB, 2)]]) {
      for (const order of [names, [...names].reverse()]) {
        const { dm: { allowFrom } } = withNames(
          policy({ dm: dm({ allowFrom: entries("ada") }) }),
          order,
        );
        assert.deepEqual(allowFrom, [{ kind: "user", id: ADA, typed: "ada" }]);
      }
    }
  });

  it("replaces names in every list", () => {
    const users = entries("ada");
    const all = withNames(
      policy({
        commands: commands({ owners: users }),
        guilds: { [GUILD]: guild({ users, channels: { help: { users } } }) },
      }),
      [user("ada", ADA)],
    );
    const pinned = [{ kind: "user", id: ADA, typed: "ada" }];
    assert.deepEqual(all.commands.owners, pinned);
    assert.deepEqual(all.guilds?.[GUILD]?.users, pinned);
    assert.deepEqual(all.guilds?.[GUILD]?.channels?.["help"]?.users, pinned);
  });

  it("does not take a role, an id or a member for a name", () => {
    const allowFrom = entries("role:ada", BOB, "pk:ada", "*");
    assert.deepEqual(
      withNames(policy({ dm: dm({ allowFrom }) }), [user("ada", ADA)]).dm.allowFrom,
      allowFrom,
    );
  });
});

describe("[P12] withNames() › guilds", () => {
  const rules = withNames(policy({ guilds: { friends: guild() } }), [aGuild("friends", GUILD)]);

  it("matches the resolved guild under any name", () => {
    assert.equal(why(rules, inGuild(GUILD, "Enemies")), "mentioned");
  });

  it("does not match a guild that takes the name", () => {
    assert.equal(why(rules, inGuild(OTHER, "friends")), "guild-not-listed");
    assert.equal(why(rules, inGuild(OTHER, "Friends")), "guild-not-listed");
  });

  it("gives that guild the rules of *, if there are any", () => {
    const { guilds = {} } = rules;
    const withRest = { ...rules, guilds: { ...guilds, "*": guild({ channels: {} }) } };
    assert.equal(why(withRest, inGuild(OTHER, "friends")), "channel-not-listed");
    assert.equal(why(withRest, inGuild(GUILD, "friends")), "mentioned");
  });

  it("[P7] prefers the guild's own id", () => {
    const both = withNames(
      policy({ guilds: { friends: guild(), [GUILD]: guild({ channels: {} }) } }),
      [aGuild("friends", GUILD)],
    );
    assert.equal(why(both, inGuild(GUILD, "friends")), "channel-not-listed");
  });

  it("[P7] prefers the name that the guild's name matches first", () => {
    const keys = { "Night Watch": guild({ channels: {} }), "night-watch": guild() };
    for (const guilds of [keys, Object.fromEntries(Object.entries(keys).reverse())]) {
      const both = withNames(
        policy({ guilds }),
        [aGuild("Night Watch", GUILD), aGuild("night-watch", GUILD)],
      );
      assert.equal(why(both, inGuild(GUILD, "renamed")), "mentioned");
    }
  });

  it("does not match an unknown guild by a name that belongs to another", () => {
    const { guilds = {} } = rules;
    const withRest = { ...rules, guilds: { ...guilds, "*": guild() } };
    const unknown = guildPlace({ guild: { id: OTHER, name: OTHER }, isUnknown: true });
    assert.equal(why(withRest, guildMessage({ mention: "user", place: unknown })), "mentioned");
  });
});

describe("[P12] withNames() › channels", () => {
  const HERE = CHANNEL;
  const THERE = channelId("1400000000000000088");
  const written = policy({ guilds: { [GUILD]: guild({ channels: { help: {} } }) } });
  const rules = withNames(written, [channel("help", HERE)]);

  it("matches the resolved channel under any name", () => {
    assert.equal(why(rules, inChannel(HERE, "renamed")), "mentioned");
  });

  it("does not match a channel that takes the name", () => {
    assert.equal(why(rules, inChannel(THERE, "help")), "channel-not-listed");
  });

  it("[P7] gives a thread with an unknown parent the rules of * if no name could deny it", () => {
    const withRest = (pinned: boolean, help: ChannelRules = {}) =>
      withNames(
        policy({ guilds: { [GUILD]: guild({ channels: { help, "*": {} } }) } }),
        pinned ? [channel("help", HERE)] : [],
      );
    const place = guildPlace({
      channel: { id: THERE, name: THERE },
      thread: { id: channelId("1400000000000000066"), name: "t" },
      isUnknown: true,
    });
    const said = guildMessage({ mention: "user", place });
    assert.equal(why(withRest(false), said), "channel-not-listed");
    assert.equal(why(withRest(true), said), "mentioned");
    assert.equal(why(withRest(true, { allow: false }), said), "channel-not-listed");
  });

  it("gives its thread the same rules", () => {
    const place = guildPlace({
      channel: { id: HERE, name: "renamed" },
      thread: { id: channelId("1400000000000000066"), name: "help" },
    });
    assert.equal(why(rules, guildMessage({ mention: "user", place })), "mentioned");
  });

  it("ignores a result of another guild", () => {
    const elsewhere = withNames(written, [channel("help", THERE, OTHER)]);
    assert.equal(why(elsewhere, inChannel(HERE, "help")), "mentioned");
  });

  it("resolves an entry for all guilds to a channel in each", () => {
    const everywhere = withNames(
      policy({ guilds: { "*": guild({ channels: { help: {} } }) } }),
      [channel("help", HERE), channel("help", THERE, OTHER)],
    );
    const at = (guildOf: GuildId, id: ChannelId, name: string) =>
      why(
        everywhere,
        guildMessage({
          mention: "user",
          place: guildPlace({ guild: { id: guildOf, name: "x" }, channel: { id, name } }),
        }),
      );
    assert.equal(at(GUILD, HERE, "renamed"), "mentioned");
    assert.equal(at(OTHER, THERE, "renamed"), "mentioned");
    const third = channelId("1400000000000000055");
    assert.equal(at(OTHER, third, "help"), "channel-not-listed");
    assert.equal(at(guildId("1400000000000000044"), third, "help"), "mentioned", "not found yet");
  });
});

describe("[P12] withNames() › a new channel with the written name of a resolved entry", () => {
  const HERE = CHANNEL;
  const NEW = channelId("1400000000000000088");
  const inPolicy = (secret: ChannelRules, rest: Partial<GuildRules> = {}) =>
    withNames(
      policy({ guilds: { [GUILD]: guild({ channels: { secret, "*": {} }, ...rest }) } }),
      [channel("secret", HERE)],
    );
  const said = (id: ChannelId, name: string, fields = {}) =>
    guildMessage({ mention: "user", ...fields, place: guildPlace({ channel: { id, name } }) });

  for (const denial of [{ allow: false }, { enabled: false }]) {
    it(`is denied by ${JSON.stringify(denial)}, as the renamed one is`, () => {
      const rules = inPolicy(denial);
      assert.equal(why(rules, said(HERE, "renamed")), "channel-disabled");
      assert.equal(why(rules, said(NEW, "secret")), "channel-disabled");
      assert.equal(why(rules, said(NEW, "#Secret!")), "channel-disabled", "its slug is the same");
      assert.equal(why(rules, said(NEW, "other")), "mentioned");
    });
  }

  it("needs a mention if the entry says so", () => {
    const rules = inPolicy({ requireMention: true }, { requireMention: false });
    const { mention: _, ...unaddressed } = said(NEW, "secret");
    assert.equal(why(rules, unaddressed), "no-mention");
    assert.equal(
      why(rules, { ...unaddressed, place: said(NEW, "x").place }),
      "mention-not-required",
    );
  });

  it("is for people on the entry's list who may talk there anyway", () => {
    const users = entries(ADA);
    const from = (rules: AccessPolicy, id: UserId) =>
      why(rules, said(NEW, "secret", { sender: sender({ id }) }));
    assert.equal(from(inPolicy({ users }), ADA), "mentioned");
    assert.equal(from(inPolicy({ users }), BOB), "sender-not-listed");
    const closed = inPolicy({ users }, {
      channels: { secret: { users }, "*": { users: entries(BOB) } },
    });
    assert.equal(from(closed, ADA), "sender-not-listed", "the entry lets in by id only");
    assert.equal(from(closed, BOB), "sender-not-listed");
  });

  it("is not opened by it", () => {
    const rules = inPolicy({}, { channels: { secret: {} } });
    assert.equal(why(rules, said(NEW, "secret")), "channel-not-listed");
  });

  it("is denied even if another resolved entry is for it", () => {
    const rules = withNames(
      policy({ guilds: { [GUILD]: guild({ channels: { help: {}, secret: { allow: false } } }) } }),
      [channel("help", NEW), channel("secret", HERE)],
    );
    assert.equal(why(rules, said(NEW, "support")), "mentioned");
    assert.equal(why(rules, said(NEW, "secret")), "channel-disabled");
  });

  it("[P7] is not denied if its own id is listed", () => {
    const rules = inPolicy({}, { channels: { secret: { allow: false }, [NEW]: {} } });
    assert.equal(why(rules, said(NEW, "secret")), "mentioned");
  });

  it("is denied in a guild that has the written name of another entry", () => {
    const guilds = { friends: guild({ channels: { secret: { allow: false } } }), "*": guild() };
    const rules = withNames(policy({ guilds }), [aGuild("friends", GUILD)]);
    const inOther = (name: string, inChannel: string) =>
      why(
        rules,
        guildMessage({
          mention: "user",
          place: guildPlace({
            guild: { id: OTHER, name },
            channel: { id: NEW, name: inChannel },
          }),
        }),
      );
    assert.equal(inOther("Friends", "secret"), "channel-disabled");
    assert.equal(inOther("Friends", "general"), "channel-not-listed");
    assert.equal(inOther("Enemies", "secret"), "mentioned");
  });
});

describe("[P4] [P12] unresolvedNames()", () => {
  const written = policy({
    dm: dm({ allowFrom: entries(ADA, "ada") }),
    commands: commands({ owners: entries("ada") }),
    guilds: {
      friends: guild({
        users: entries("role:Mods", "*"),
        channels: { help: { users: entries("bob") } },
      }),
      [GUILD]: guild({ channels: { "*": {}, [CHANNEL]: {}, lounge: {} } }),
      "*": guild(),
    },
    ruleOf: (path) => path.replace("channels.discord.dm", "channels.discord.accounts.work.dm"),
  });

  it("names each with its config path", () => {
    const G = "channels.discord.guilds";
    assert.deepEqual(
      new Set(unresolvedNames(written)),
      new Set([
        { kind: "user", typed: "ada", rule: "channels.discord.accounts.work.dm.allowFrom[1]" },
        { kind: "user", typed: "ada", rule: "commands.ownerAllowFrom[0]" },
        { kind: "guild", typed: "friends", rule: `${G}.friends` },
        { kind: "role", typed: "Mods", rule: `${G}.friends.users[0]`, guild: "friends" },
        { kind: "channel", typed: "help", rule: `${G}.friends.channels.help`, guild: "friends" },
        {
          kind: "user",
          typed: "bob",
          rule: `${G}.friends.channels.help.users[0]`,
          guild: "friends",
        },
        { kind: "channel", typed: "lounge", rule: `${G}.${GUILD}.channels.lounge`, guild: GUILD },
      ]),
    );
  });

  it("[T2] names the senders of tools, until they are resolved", () => {
    const toolsBySender = ["ada", "role:Mods", ADA, "*"].map((key) => ({
      key,
      who: entries(key)[0] ?? assert.fail(),
      lists: {},
    }));
    const rules = policy({
      guilds: { [GUILD]: guild({ toolsBySender, channels: { [CHANNEL]: { toolsBySender } } }) },
    });
    const here = `channels.discord.guilds.${GUILD}`;
    const expected = [here, `${here}.channels.${CHANNEL}`].flatMap((path) => [
      { kind: "user", typed: "ada", rule: `${path}.toolsBySender.ada`, guild: GUILD, isKey: true },
      {
        kind: "role",
        typed: "Mods",
        rule: `${path}.toolsBySender."role:Mods"`,
        guild: GUILD,
        isKey: true,
      },
    ]);
    assert.deepEqual(unresolvedNames(rules), expected);
    const left = unresolvedNames(withNames(rules, [user("ada", BOB)]));
    assert.deepEqual(left.map(({ kind }) => kind), ["role", "role"]);
  });

  it("leaves out resolved names", () => {
    const known = withNames(written, [
      user("ada", ADA),
      user("bob", BOB),
      aGuild("friends", OTHER),
      channel("help", CHANNEL, OTHER),
      channel("lounge", channelId("1400000000000000088")),
    ]);
    assert.deepEqual(unresolvedNames(known).map(({ kind }) => kind), ["role"]);
  });

  it("keeps a channel that is resolved in another guild only, or not in all of them", () => {
    const rules = withNames(
      policy({
        guilds: {
          [GUILD]: guild({ channels: { help: {} } }),
          "*": guild({ channels: { help: {} } }),
        },
      }),
      [channel("help", CHANNEL, OTHER)],
    );
    assert.deepEqual(unresolvedNames(rules).map(({ guild }) => guild), [GUILD, "*"]);
  });
});
