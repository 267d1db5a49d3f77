import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId, GuildId, UserId } from "../../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import { unresolvedNames, withNames } from "../../../src/policy/rules.ts";
import type { AccessPolicy, ChannelRules } from "../../../src/policy/rules.ts";
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

const user = (typed: string, id: UserId): ResolvedName => ({
  kind: "user",
  typed,
  name: typed,
  id,
  at: 1,
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

  it("gives that guild nothing by *, either", () => {
    const { guilds = {} } = rules;
    const withRest = { ...rules, guilds: { ...guilds, "*": guild() } };
    assert.equal(why(withRest, inGuild(OTHER, "friends")), "guild-not-listed");
    assert.equal(why(withRest, inGuild(OTHER, "others")), "mentioned");
    assert.equal(why(withRest, inGuild(GUILD, "friends")), "mentioned");
  });

  it("[P7] prefers the guild's own id", () => {
    const both = withNames(
      policy({ guilds: { friends: guild(), [GUILD]: guild({ channels: {} }) } }),
      [aGuild("friends", GUILD)],
    );
    assert.equal(why(both, inGuild(GUILD, "friends")), "channel-not-listed");
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
  const NEW = channelId("1400000000000000088");
  const said = (secret: ChannelRules, id: ChannelId, name: string, more = {}) =>
    why(
      withNames(
        policy({ guilds: { [GUILD]: guild({ channels: { secret, "*": {}, ...more } }) } }),
        [channel("secret", CHANNEL)],
      ),
      inChannel(id, name),
    );

  it("gets nothing by any entry", () => {
    for (const secret of [{}, { allow: false }]) {
      assert.equal(said(secret, NEW, "secret"), "channel-not-listed");
      assert.equal(said(secret, NEW, "#Secret!"), "channel-not-listed", "its slug is the same");
      assert.equal(said(secret, NEW, "other"), "mentioned");
    }
  });

  it("leaves the renamed channel denied", () => {
    assert.equal(said({ allow: false }, CHANNEL, "renamed"), "channel-disabled");
  });

  it("[P7] is open if its own id is listed", () => {
    assert.equal(said({ allow: false }, NEW, "secret", { [NEW]: {} }), "mentioned");
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
      { kind: "user", typed: "ada", rule: `${path}.toolsBySender.ada`, guild: GUILD },
      { kind: "role", typed: "Mods", rule: `${path}.toolsBySender."role:Mods"`, guild: GUILD },
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
