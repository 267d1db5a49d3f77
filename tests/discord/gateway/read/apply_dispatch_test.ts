import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type GuildIndex,
  restoreIndex,
  snapshotOf,
} from "../../../../src/discord/gateway/decode/guild_index.ts";
import { namesOfGuild, placeIn } from "../../../../src/discord/gateway/decode/decode.ts";
import {
  applyDispatch,
  joinedGuild,
  readSelf,
} from "../../../../src/discord/gateway/read/reader.ts";
import {
  CHANNEL,
  GUILD,
  guildData,
  OTHER_ROLE,
  OWN_ROLE,
  SELF,
  THREAD,
} from "../../../support/discord/payloads.ts";
import { readyData } from "../../../support/gateway/fake_gateway.ts";
import { sameData } from "../../../support/same_data.ts";

const EMPTY: GuildIndex = new Map();
const fed = (index: GuildIndex, t: string, d: unknown) =>
  applyDispatch(index, { t, s: 1, d }, SELF.userId);
const CREATED = fed(EMPTY, "GUILD_CREATE", guildData()).index;
/** A channel that the bot may not view, as Discord sends it. */
const HIDDEN = {
  id: CHANNEL,
  type: 0,
  name: "___hidden___",
  flags: 1 << 17,
  topic: null,
  parent_id: THREAD,
  permission_overwrites: [{ id: GUILD, type: 0, allow: "0", deny: "1024" }],
};
const guild = (index: GuildIndex) => index.get(GUILD)!;

describe("[P6] applyDispatch()", () => {
  it("takes a guild's names from GUILD_CREATE", () => {
    const { index, changed, problem } = fed(EMPTY, "GUILD_CREATE", guildData());
    assert.equal(problem, undefined);
    assert.deepEqual(changed, [GUILD]);
    assert.equal(guild(index).name, "Friends");
    sameData(guild(index).channels.get(CHANNEL), {
      id: CHANNEL,
      type: 0,
      name: "help-desk",
      topic: "ask here",
    });
    assert.equal(guild(index).channels.get(THREAD)!.parentId, CHANNEL);
    assert.deepEqual([...guild(index).roles.values()], ["Barnacle", "Moderators"]);
  });

  it("keeps the newest 1,500 channels and threads, and each channel", () => {
    let { index } = fed(EMPTY, "GUILD_CREATE", guildData());
    for (let number = 0; number < 2_000; number++) {
      const id = String(1_700_000_000_000_000_100n + BigInt(number));
      const thread = { id, type: 11, name: `t ${number}`, parent_id: CHANNEL, guild_id: GUILD };
      ({ index } = fed(index, "THREAD_CREATE", thread));
    }
    const { channels } = guild(index);
    assert.equal(channels.size, 1_500);
    assert.ok(channels.has(CHANNEL));
    assert.equal([...channels.values()].at(-1)?.name, "t 1999");
  });

  it("[M2] recognises the bot's own managed role, and no other bot's", () => {
    assert.equal(guild(CREATED).ownRole, OWN_ROLE);
    const roles = [{ id: OWN_ROLE, name: "Barnacle", tags: { bot_id: "1500000000000000009" } }];
    const { index } = fed(EMPTY, "GUILD_CREATE", guildData({ roles }));
    assert.equal(guild(index).ownRole, undefined);
  });

  const changes: readonly [string, unknown, (index: GuildIndex) => unknown, unknown][] = [
    ["GUILD_UPDATE", { id: GUILD, name: "Foes" }, (index) => guild(index).name, "Foes"],
    [
      "CHANNEL_CREATE",
      { id: "1700000000000000009", type: 0, name: "new", guild_id: GUILD },
      (index) => guild(index).channels.size,
      3,
    ],
    [
      "CHANNEL_UPDATE",
      { id: CHANNEL, type: 0, name: "desk", topic: null, guild_id: GUILD },
      (index) => guild(index).channels.get(CHANNEL),
      { id: CHANNEL, type: 0, name: "desk" },
    ],
    [
      "CHANNEL_UPDATE",
      { ...HIDDEN, guild_id: GUILD },
      (index) => guild(index).channels.get(CHANNEL),
      { id: CHANNEL, type: 0, name: CHANNEL, parentId: THREAD },
    ],
    [
      "CHANNEL_DELETE",
      { id: CHANNEL, type: 0, guild_id: GUILD },
      (index) => guild(index).channels.has(CHANNEL),
      false,
    ],
    [
      "THREAD_UPDATE",
      {
        id: THREAD,
        type: 11,
        name: "x",
        guild_id: GUILD,
        parent_id: CHANNEL,
        thread_metadata: { archived: true },
      },
      (index) => guild(index).channels.has(THREAD),
      false,
    ],
    [
      "THREAD_DELETE",
      { id: THREAD, type: 11, guild_id: GUILD, parent_id: CHANNEL },
      (index) => guild(index).channels.has(THREAD),
      false,
    ],
    [
      "THREAD_LIST_SYNC",
      {
        guild_id: GUILD,
        threads: [{ id: "1700000000000000008", type: 11, name: "more", parent_id: CHANNEL }],
      },
      (index) => guild(index).channels.size,
      3,
    ],
    [
      "GUILD_ROLE_UPDATE",
      { guild_id: GUILD, role: { id: OTHER_ROLE, name: "Mods" } },
      (index) => guild(index).roles.get(OTHER_ROLE),
      "Mods",
    ],
    [
      "GUILD_ROLE_DELETE",
      { guild_id: GUILD, role_id: OWN_ROLE },
      (index) => [guild(index).ownRole, guild(index).roles.has(OWN_ROLE)],
      [undefined, false],
    ],
  ];
  for (const [t, d, look, expected] of changes) {
    it(`applies ${t}, and marks the guild for storing`, () => {
      const { index, changed } = fed(CREATED, t, d);
      sameData(look(index), expected);
      assert.deepEqual(changed, [GUILD]);
      assert.equal(guild(CREATED).name, "Friends", "the index before is unchanged");
    });
  }

  it("[P12] has no name for a channel that hides: its place is unknown, its old name stays a pin", () => {
    const hidden = fed(CREATED, "CHANNEL_UPDATE", { ...HIDDEN, guild_id: GUILD }).index;
    const shown = fed(hidden, "CHANNEL_UPDATE", {
      id: CHANNEL,
      type: 0,
      name: "desk",
      guild_id: GUILD,
    }).index;
    const [before, during, after] = [CREATED, hidden, shown].map(guild);
    assert.deepEqual(
      [before, during, after].map((one) => one && placeIn(GUILD, CHANNEL, one).isUnknown),
      [undefined, true, undefined],
    );
    assert.equal(placeIn(GUILD, THREAD, during).isUnknown, true, "nor for a thread in it");
    const created = fed(EMPTY, "GUILD_CREATE", guildData({ channels: [HIDDEN] })).index;
    assert.deepEqual(
      during && namesOfGuild(during).channels,
      namesOfGuild(guild(created)).channels,
    );
  });

  it("leaves out archived threads", () => {
    const thread = { id: THREAD, type: 11, name: "x", thread_metadata: { archived: true } };
    const { index } = fed(EMPTY, "GUILD_CREATE", guildData({ threads: [thread] }));
    assert.equal(guild(index).channels.has(THREAD), false);
    const synced = fed(CREATED, "THREAD_LIST_SYNC", {
      guild_id: GUILD,
      threads: [{ ...thread, id: "1700000000000000008" }],
    });
    assert.equal(guild(synced.index).channels.size, 2);
  });

  it("distinguishes an outage of a guild from the bot's leaving", () => {
    const outage = fed(CREATED, "GUILD_DELETE", { id: GUILD, unavailable: true });
    assert.equal(guild(outage.index).name, "Friends");
    assert.equal(guild(outage.index).isAwaited, true, "until its GUILD_CREATE arrives");
    assert.deepEqual(outage.changed, [GUILD]);
    const back = fed(outage.index, "GUILD_CREATE", guildData());
    assert.equal(guild(back.index).isAwaited, undefined);
    const left = fed(CREATED, "GUILD_DELETE", { id: GUILD });
    assert.equal(left.index.has(GUILD), false);
    assert.deepEqual(left.changed, [GUILD]);
    const down = fed(CREATED, "GUILD_CREATE", { id: GUILD, unavailable: true });
    assert.equal(guild(down.index).name, "Friends");
    assert.equal(down.problem, undefined);
  });

  it("drops guilds that a READY does not list, and keeps the listed ones", () => {
    const listed = {
      ...readyData(1, "ws://x") as object,
      guilds: [{ id: GUILD, unavailable: true }],
    };
    assert.equal(fed(CREATED, "READY", listed).index.has(GUILD), true);
    const { index, changed } = fed(CREATED, "READY", readyData(1, "ws://x"));
    assert.equal(index.has(GUILD), false);
    assert.deepEqual(changed, [GUILD]);
  });

  describe("[G6] the last message of a channel", () => {
    const SAID = "1400000000000000007";
    const LATER = "1400000000000000009";
    const withLast = (last: unknown) =>
      guildData({ channels: [{ id: CHANNEL, type: 0, name: "c", last_message_id: last }] });
    const lastOf = (index: GuildIndex) => guild(index).channels.get(CHANNEL)?.lastMessageId;

    const payloads: readonly [unknown, unknown][] = [
      [SAID, SAID],
      [null, "none"],
      [undefined, undefined],
      ["no id", undefined],
    ];
    for (const [last, expected] of payloads) {
      it(`is ${expected} if GUILD_CREATE has ${last}`, () => {
        const { index } = fed(EMPTY, "GUILD_CREATE", withLast(last));
        assert.equal(lastOf(index), expected);
        assert.equal(lastOf(restoreIndex([snapshotOf(guild(index))]).index), expected);
      });
    }

    it("is stored again only with a GUILD_CREATE", () => {
      const { index } = fed(EMPTY, "GUILD_CREATE", withLast(SAID));
      const update = { id: CHANNEL, type: 0, name: "c", guild_id: GUILD, last_message_id: LATER };
      const updated = fed(index, "CHANNEL_UPDATE", update);
      assert.deepEqual(updated.changed, []);
      assert.equal(lastOf(updated.index), SAID);
      const anew = fed(index, "GUILD_CREATE", withLast(LATER));
      assert.deepEqual(anew.changed, [GUILD]);
      assert.equal(lastOf(anew.index), LATER);
    });

    it("is taken from a thread that is new in the index", () => {
      const thread = { id: "1700000000000000008", type: 11, name: "t", parent_id: CHANNEL };
      const { index } = fed(CREATED, "THREAD_LIST_SYNC", {
        guild_id: GUILD,
        threads: [{ ...thread, last_message_id: SAID }],
      });
      assert.deepEqual(
        [...guild(index).channels.values()].map(({ lastMessageId }) => lastMessageId),
        [undefined, undefined, SAID],
      );
    });
  });

  describe("[G6] a READY", () => {
    const listing = (ids: readonly string[]) => ({
      ...readyData(1, "ws://x") as object,
      guilds: ids.map((id) => ({ id, unavailable: true })),
    });
    it("marks the state of a guild as outdated until its GUILD_CREATE", () => {
      const { index, changed } = fed(CREATED, "READY", listing([GUILD]));
      assert.deepEqual(changed, [GUILD]);
      assert.equal(guild(index).isAwaited, true);
      assert.equal(guild(index).name, "Friends", "its names are usable meanwhile");
      assert.equal(restoreIndex([snapshotOf(guild(index))]).index.get(GUILD)?.isAwaited, true);
    });

    it("adds unknown guilds", () => {
      const { index, changed } = fed(EMPTY, "READY", listing([GUILD]));
      assert.deepEqual(changed, [GUILD]);
      assert.deepEqual(guild(index), {
        id: GUILD,
        name: GUILD,
        channels: new Map(),
        roles: new Map(),
        isAwaited: true,
      });
    });

    it("forgets guilds that it does not list", () => {
      assert.equal(fed(CREATED, "READY", listing([])).index.size, 0);
    });
  });

  it("[G16] reads the other channels and roles beside one that does not fit", () => {
    const { channels, roles, ...data } = guildData();
    assert.ok(Array.isArray(channels) && Array.isArray(roles));
    const odd = { ...data, channels: [...channels, { id: {} }], roles: [...roles, null] };
    assert.deepEqual(
      fed(EMPTY, "GUILD_CREATE", odd).index,
      fed(EMPTY, "GUILD_CREATE", guildData()).index,
    );
  });

  const misfits: readonly [string, unknown][] = [
    ["GUILD_CREATE", null],
    ["GUILD_CREATE", guildData({ id: "not a snowflake" })],
    ["CHANNEL_UPDATE", { id: CHANNEL }],
    ["READY", {}],
  ];
  for (const [t, d] of misfits) {
    it(`skips a ${t} of an unexpected shape: ${JSON.stringify(d)?.slice(0, 40)}`, () => {
      const { index, changed, problem } = fed(CREATED, t, d);
      assert.equal(index, CREATED);
      assert.deepEqual(changed, []);
      assert.ok(problem !== undefined);
      assert.doesNotMatch(problem, /not a snowflake/);
    });
  }
});

describe("[G5] restoreIndex()", () => {
  it("restores a stored index", () => {
    sameData(restoreIndex([snapshotOf(guild(CREATED))]), { index: CREATED, dropped: [] });
  });

  it("reports a text that it cannot read, and leaves the guild out", () => {
    for (const text of ["", "{", "null", '{"v":0}', '{"v":1,"name":1}', '{"v":2,"name":"x"}']) {
      const { index, dropped } = restoreIndex([{ guildId: GUILD, text }]);
      assert.equal(index.size, 0, text);
      assert.deepEqual(dropped, [GUILD], text);
    }
  });

  it("does not report a guild that the bot left", () => {
    assert.deepEqual(restoreIndex([{ guildId: GUILD, text: undefined }]), {
      index: EMPTY,
      dropped: [],
    });
  });
});

describe("[G5] readSelf()", () => {
  it("reads the bot's identity from READY", () => {
    assert.deepEqual(readSelf(readyData(1, "ws://x")), SELF);
    assert.equal(readSelf({}), undefined);
  });

  it("[G14] accepts a server's READY without an application", () => {
    const user = { id: "1500000000000000001", username: "barnacle" };
    for (const guilds of [[], null, undefined]) {
      assert.deepEqual(
        readSelf({ session_id: "s", user, ...(guilds !== undefined && { guilds }) }),
        { userId: user.id, applicationId: user.id, username: "barnacle" },
      );
    }
  });
});

const dispatch = (t: string, d: unknown) => ({ t, s: 1, d });
const CREATE = dispatch("GUILD_CREATE", guildData());
const KNOWN = applyDispatch(new Map(), CREATE, SELF.userId).index;

describe("[P6a] joinedGuild()", () => {
  it("returns a guild that is new", () => {
    assert.deepEqual(joinedGuild(CREATE, new Map(), []), { id: GUILD, name: "Friends" });
  });

  it("bounds its name, which its owner chose", () => {
    const joined = joinedGuild(
      dispatch("GUILD_CREATE", guildData({ name: "x".repeat(9_000) })),
      new Map(),
      [],
    );
    assert.equal(joined?.name.length, 100);
  });

  const others: readonly [what: string, ...Parameters<typeof joinedGuild>][] = [
    ["a guild of before", CREATE, KNOWN, []],
    ["a guild whose snapshot could not be read", CREATE, new Map(), [GUILD]],
    ["an outage", dispatch("GUILD_CREATE", { ...guildData(), unavailable: true }), new Map(), []],
    ["another type", dispatch("GUILD_UPDATE", guildData()), new Map(), []],
    ["a payload of an unexpected shape", dispatch("GUILD_CREATE", { id: "none" }), new Map(), []],
    ["nothing", dispatch("GUILD_CREATE", null), new Map(), []],
  ];
  for (const [what, ...asked] of others) {
    it(`does not return ${what}`, () => assert.equal(joinedGuild(...asked), undefined));
  }
});
