import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuildId } from "../../../src/core/discord/ids.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import type { FoundMember, GuildNames } from "../../../src/core/inbound/inbound.ts";
import { createNames } from "../../../src/flows/names/resolve.ts";
import type { UnresolvedName } from "../../../src/policy/rules/pinned.ts";
import { ACCOUNT, channelId, guildId, userId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const FRIENDS: GuildNames = {
  id: guildId("1400000000000000010"),
  name: "Friends",
  channels: [{ id: channelId("1400000000000000011"), name: "help" }],
  roles: [],
};
const WORK: GuildNames = {
  ...FRIENDS,
  id: guildId("1400000000000000020"),
  name: "Work",
  channels: [],
};
const ADA: FoundMember = { userId: userId("123456789012345678"), username: "ada" };
const REFUSED = new Error("50001");

const want = (kind: UnresolvedName["kind"], typed: string, guild?: string): UnresolvedName => ({
  kind,
  typed,
  rule: `rule of ${typed}`,
  ...(guild !== undefined && { guild }),
});

/** A bot whose store keeps names, and whose policy uses them. */
function setUp(config: readonly UnresolvedName[], guilds: readonly GuildNames[] = [FRIENDS]) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const asked: string[] = [];
  const world = {
    config,
    guilds,
    isWhole: true,
    unseen: [] as readonly GuildId[],
    names: [] as readonly ResolvedName[],
    /** How often the names were read; each search reads them first. */
    reads: 0,
    members: new Map<GuildId, readonly FoundMember[] | Error>(),
    rebuilt: [] as (readonly ResolvedName[])[],
    /** After each search, the number of names that the policy knew. */
    looked: [] as number[],
  };
  const names = createNames({
    accountId: ACCOUNT,
    unresolved: () =>
      world.config.filter(({ kind, typed }) =>
        !world.names.some((name) => name.kind === kind && name.typed === typed)
      ),
    guilds: () => world.guilds,
    isWhole: () => world.isWhole,
    mayMiss: (id) => world.unseen.includes(id),
    searchMembers(guildId, query) {
      asked.push(`${guildId} ${query}`);
      const found = world.members.get(guildId) ?? [];
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
    isRefused: (error) => error === REFUSED,
    store: {
      pairing: {
        namesOf() {
          world.reads++;
          return Promise.resolve(world.names);
        },
        saveNames(_account, names) {
          world.names = [...world.names, ...names];
          return Promise.resolve();
        },
        forgetNames(_account, which) {
          world.names = world.names.filter((name) => !which.includes(name));
          return Promise.resolve();
        },
      },
    },
    keeper: {
      resolved(all) {
        world.rebuilt.push(all);
        return Promise.resolve();
      },
    },
    events: {
      emit: { namesLookedUp: () => void world.looked.push(world.rebuilt.at(-1)?.length ?? 0) },
    },
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0,
    log,
  });
  return { names, clock, lines, asked, world };
}

const warnings = (lines: ReturnType<typeof recordingLog>["lines"]) =>
  lines.filter(({ level }) => level === "warn");

describe("[P12] createNames()", () => {
  it("finds ids, stores them, and passes all of them to the policy", async () => {
    const config = [
      want("guild", "friends"),
      want("channel", "help", "friends"),
      want("user", "ada"),
    ];
    const { names, lines, world } = setUp(config);
    world.members.set(FRIENDS.id, [ADA]);
    names.resolve();
    await settle();
    assert.deepEqual(world.names.map(({ typed, id }) => [typed, id]), [
      ["friends", FRIENDS.id],
      ["help", "1400000000000000011"],
      ["ada", ADA.userId],
    ]);
    assert.deepEqual(world.rebuilt, [world.names]);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields.typed, fields.rule]), [
      ["info", "friends", "rule of friends"],
      ["info", "help", "rule of help"],
      ["info", "ada", "rule of ada"],
    ]);
  });

  it("resolves no guild while one is in an outage, because that one may have the same name", async () => {
    const { names, world } = setUp([want("guild", "friends"), want("user", "ada")]);
    world.members.set(FRIENDS.id, [ADA]);
    world.isWhole = false;
    names.resolve();
    await settle();
    assert.deepEqual(world.names.map(({ kind }) => kind), ["user"]);
    world.isWhole = true;
    names.resolve();
    await settle();
    assert.deepEqual(world.names.map(({ kind }) => kind), ["user", "guild"]);
  });

  it("looks for no name within a guild that the process does not see", async () => {
    const { names, lines, world } = setUp([want("channel", "help", WORK.id)]);
    world.unseen = [WORK.id];
    names.resolve();
    await settle();
    assert.deepEqual(lines, []);
    world.unseen = [];
    names.resolve();
    await settle();
    assert.match(JSON.stringify(lines), /not in that guild/);
  });

  it("stores names that it is given, and passes all to the policy", async () => {
    const { names, world } = setUp([]);
    const held: ResolvedName = {
      kind: "channel",
      typed: "help",
      name: "help",
      id: channelId("1400000000000000011"),
      guildId: FRIENDS.id,
      at: 1,
    };
    names.keep([held]);
    await settle();
    assert.deepEqual(world.names, [held]);
    assert.deepEqual(world.rebuilt, [[held]]);
  });

  it("[P4] keeps the person whose name another person has taken since", async () => {
    const { names, world } = setUp([want("user", "ada")]);
    world.members.set(FRIENDS.id, [ADA]);
    names.resolve();
    await settle();
    world.members.set(FRIENDS.id, [{ userId: userId("666"), username: "ada" }]);
    names.resolveAgain();
    await settle();
    assert.deepEqual(world.names.map(({ id }) => id), [ADA.userId]);
  });

  it("searches a guild that arrives later, and only that one", async () => {
    const { names, asked, world } = setUp([want("user", "ada"), want("channel", "help", "work")]);
    names.resolve();
    await settle();
    assert.deepEqual(world.names, []);
    world.guilds = [FRIENDS, {
      ...WORK,
      channels: [{ id: channelId("1400000000000000021"), name: "help" }],
    }];
    world.members.set(WORK.id, [ADA]);
    names.resolve();
    await settle();
    assert.deepEqual(asked, [`${FRIENDS.id} ada`, `${WORK.id} ada`]);
    assert.deepEqual(world.names.map(({ id }) => id), [ADA.userId, "1400000000000000021"]);
  });

  it("searches all guilds again after the config was read again", async () => {
    const { names, asked, lines } = setUp([want("user", "ada")]);
    names.resolve();
    await settle();
    names.resolveAgain();
    await settle();
    assert.equal(asked.length, 2);
    assert.equal(warnings(lines).length, 2);
  });

  it("names the candidates of an ambiguous name", async () => {
    const { names, lines, world } = setUp([want("user", "ada")]);
    const bot = { userId: userId("200000000000000000"), username: "ada", tag: "ada#0042" };
    world.members.set(FRIENDS.id, [ADA, bot]);
    names.resolve();
    await settle();
    assert.deepEqual(world.names, []);
    assert.deepEqual(warnings(lines).map(({ fields }) => fields.candidates), [
      [`ada (${ADA.userId})`, "ada#0042 (200000000000000000)"],
    ]);
  });

  it("warns once if Discord refuses the search, and does not ask again", async () => {
    const config = [want("user", "ada"), want("user", "bob"), want("guild", "friends")];
    const { names, lines, asked, world } = setUp(config, [FRIENDS, WORK]);
    world.members.set(FRIENDS.id, REFUSED);
    names.resolve();
    await settle();
    assert.equal(asked.length, 1);
    assert.equal(warnings(lines).length, 1);
    assert.match(warnings(lines)[0]!.event, /Server Members Intent/);
    assert.deepEqual(world.names.map(({ typed }) => typed), ["friends"], "guilds take no search");

    world.members.set(FRIENDS.id, [ADA]);
    names.resolve();
    await settle();
    assert.ok(world.names.some(({ typed }) => typed === "ada"), "the intent may be granted since");
  });

  it("searches tags by their name, and skips impossible usernames", async () => {
    const { names, asked } = setUp([want("user", "ada#1234"), want("user", "x".repeat(33))]);
    names.resolve();
    await settle();
    assert.deepEqual(asked, [`${FRIENDS.id} ada`]);
  });

  it("forgets a deleted channel, so that its entry matches by name again", async () => {
    const { names, lines, world } = setUp([want("channel", "help", FRIENDS.id)]);
    names.resolve();
    await settle();
    assert.equal(world.names.length, 1);
    world.guilds = [{
      ...FRIENDS,
      channels: [{ id: channelId("1400000000000000099"), name: "help" }],
    }];
    names.resolve();
    await settle();
    assert.deepEqual(world.names, []);
    assert.deepEqual(world.rebuilt.at(-1), []);
    assert.ok(lines.some(({ event }) => /deleted/.test(event)));
    names.resolve();
    await settle();
    assert.deepEqual(world.names.map(({ id }) => id), ["1400000000000000099"]);
  });

  it("[P4] forgets no person and no absent guild: the next owner of the name is a stranger", async () => {
    const config = [
      want("user", "ada"),
      want("guild", "friends"),
      want("channel", "help", "friends"),
    ];
    const { names, world } = setUp(config);
    world.members.set(FRIENDS.id, [ADA]);
    names.resolve();
    await settle();
    const before = world.names;
    world.members.clear();
    world.guilds = [{ ...WORK, name: "Friends" }];
    names.resolveAgain();
    await settle();
    assert.deepEqual(world.names, before);
  });
});
