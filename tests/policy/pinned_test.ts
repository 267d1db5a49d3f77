import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId, UserId } from "../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../src/core/names.ts";
import { unresolvedNames, withNames } from "../../src/policy/pinned.ts";
import type { AccessPolicy } from "../../src/policy/rules.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  sender,
} from "../support/discord/builders.ts";
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
} from "./policies.ts";

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

  it("[SEC-R12] a later holder of the name is a stranger", () => {
    assert.equal(why(rules, from({ id: BOB, username: "ada" })), "dm-not-allowed");
  });

  it("who was meant is let in by any name", () => {
    assert.equal(why(rules, from({ id: ADA, username: "ada.lovelace" })), "dm-allowed");
  });

  it("keeps what it does not know as it is written", () => {
    assert.equal(why(rules, from({ id: BOB, username: "bob" })), "dm-allowed");
  });

  it("keeps the text that was typed", () => {
    assert.deepEqual(rules.dm.allowFrom[0], { kind: "user", id: ADA, typed: "ada" });
  });

  it("the first time that a name was found holds", () => {
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

  it("finds them in every list", () => {
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

  it("takes a role, an id and a member for no name", () => {
    const allowFrom = entries("role:ada", BOB, "pk:ada", "*");
    assert.deepEqual(
      withNames(policy({ dm: dm({ allowFrom }) }), [user("ada", ADA)]).dm.allowFrom,
      allowFrom,
    );
  });
});

describe("[P12] withNames() › guilds", () => {
  const rules = withNames(policy({ guilds: { friends: guild() } }), [aGuild("friends", GUILD)]);

  it("the guild that was meant, by any name", () => {
    assert.equal(why(rules, inGuild(GUILD, "Enemies")), "mentioned");
  });

  it("a guild that takes the name is not it", () => {
    assert.equal(why(rules, inGuild(OTHER, "friends")), "guild-not-listed");
    assert.equal(why(rules, inGuild(OTHER, "Friends")), "guild-not-listed");
  });

  it("and has the rules of the rest, where there are any", () => {
    const { guilds = {} } = rules;
    const withRest = { ...rules, guilds: { ...guilds, "*": guild({ channels: {} }) } };
    assert.equal(why(withRest, inGuild(OTHER, "friends")), "channel-not-listed");
    assert.equal(why(withRest, inGuild(GUILD, "friends")), "mentioned");
  });

  it("[P7] its own id comes first", () => {
    const both = withNames(
      policy({ guilds: { friends: guild(), [GUILD]: guild({ channels: {} }) } }),
      [aGuild("friends", GUILD)],
    );
    assert.equal(why(both, inGuild(GUILD, "friends")), "channel-not-listed");
  });

  it("[P7] of two names of one guild the one that its name would find first", () => {
    const keys = { "Night Watch": guild({ channels: {} }), "night-watch": guild() };
    for (const guilds of [keys, Object.fromEntries(Object.entries(keys).reverse())]) {
      const both = withNames(
        policy({ guilds }),
        [aGuild("Night Watch", GUILD), aGuild("night-watch", GUILD)],
      );
      assert.equal(why(both, inGuild(GUILD, "renamed")), "mentioned");
    }
  });

  it("an unknown guild is not one whose name is known to be another's", () => {
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

  it("the channel that was meant, by any name", () => {
    assert.equal(why(rules, inChannel(HERE, "renamed")), "mentioned");
  });

  it("a channel that takes the name is not it", () => {
    assert.equal(why(rules, inChannel(THERE, "help")), "channel-not-listed");
  });

  it("[P7] a thread whose parent is not known may be one of the rest, if no name speaks against it", () => {
    const withRest = (pinned: boolean) =>
      withNames(
        policy({ guilds: { [GUILD]: guild({ channels: { help: { allow: false }, "*": {} } }) } }),
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
  });

  it("a thread of it is its", () => {
    const place = guildPlace({
      channel: { id: HERE, name: "renamed" },
      thread: { id: channelId("1400000000000000066"), name: "help" },
    });
    assert.equal(why(rules, guildMessage({ mention: "user", place })), "mentioned");
  });

  it("one of another guild's pins nothing here", () => {
    const elsewhere = withNames(written, [channel("help", THERE, OTHER)]);
    assert.equal(why(elsewhere, inChannel(HERE, "help")), "mentioned");
  });

  it("an entry for all guilds may be a channel in each", () => {
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

  it("names each with its place", () => {
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

  it("leaves out those that are known", () => {
    const known = withNames(written, [
      user("ada", ADA),
      user("bob", BOB),
      aGuild("friends", OTHER),
      channel("help", CHANNEL, OTHER),
      channel("lounge", channelId("1400000000000000088")),
    ]);
    assert.deepEqual(unresolvedNames(known).map(({ kind }) => kind), ["role"]);
  });

  it("keeps a channel that is known in another guild only, or not in all of them", () => {
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
