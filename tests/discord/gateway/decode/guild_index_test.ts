import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import {
  type GuildIndex,
  restoreIndex,
  snapshotOf,
  uploadLimitOf,
} from "../../../../src/discord/gateway/decode/guild_index.ts";
import { guildId } from "../../../support/discord/builders.ts";
import { GUILD, guildData, SELF } from "../../../support/discord/payloads.ts";

const MIB = 1024 * 1024;
const EMPTY: GuildIndex = new Map();
const fed = (index: GuildIndex, t: string, d: unknown) =>
  applyDispatch(index, { t, s: 1, d }, SELF.userId).index;
const created = (premium_tier: unknown) => fed(EMPTY, "GUILD_CREATE", guildData({ premium_tier }));

/** The index after a round trip through the store. */
const kept = (index: GuildIndex) => restoreIndex(Array.from(index.values(), snapshotOf)).index;

describe("[R12] uploadLimitOf()", () => {
  const tiers: readonly [tier: unknown, mib: number][] = [
    [0, 10],
    [1, 10],
    [2, 50],
    [3, 100],
    [4, 100],
    [undefined, 10],
    [null, 10],
    ["gold", 10],
  ];
  for (const [tier, mib] of tiers) {
    it(`is ${mib} MiB at level ${tier}, also after a restart`, () => {
      assert.equal(uploadLimitOf(created(tier), GUILD), mib * MIB);
      assert.equal(uploadLimitOf(kept(created(tier)), GUILD), mib * MIB);
    });
  }

  it("follows the boost level, up and down, and keeps it if an update has none", () => {
    const boosted = fed(created(0), "GUILD_UPDATE", { id: GUILD, name: "x", premium_tier: 3 });
    assert.equal(uploadLimitOf(boosted, GUILD), 100 * MIB);
    const renamed = fed(boosted, "GUILD_UPDATE", { id: GUILD, name: "y" });
    assert.equal(uploadLimitOf(renamed, GUILD), 100 * MIB);
    const over = fed(renamed, "GUILD_UPDATE", { id: GUILD, name: "y", premium_tier: 1 });
    assert.equal(uploadLimitOf(over, GUILD), 10 * MIB);
  });

  it("is the default in direct messages and for unknown guilds", () => {
    assert.equal(uploadLimitOf(created(3)), 10 * MIB);
    assert.equal(uploadLimitOf(created(3), guildId("5")), 10 * MIB);
  });

  it("[G5] reads a text of version 2 without an upload limit", () => {
    const text = '{"v":2,"name":"Friends","roles":[],"channels":[]}';
    const { index, dropped } = restoreIndex([{ guildId: GUILD, text }]);
    assert.deepEqual(dropped, []);
    assert.equal(uploadLimitOf(index, GUILD), 10 * MIB);
  });
});

it("[H9] the age limit of a channel › is kept in the store, and changes with the channel", () => {
  const channel = { id: "1456074443980800999", guild_id: GUILD, type: 0, name: "adults" };
  const limits = (index: GuildIndex) =>
    [...kept(index).get(guildId(GUILD))?.channels.values() ?? []]
      .filter(({ isAgeRestricted }) => isAgeRestricted).map(({ id }) => String(id));
  const restricted = fed(created(0), "CHANNEL_CREATE", { ...channel, nsfw: true });
  assert.deepEqual(limits(restricted), [channel.id]);
  assert.deepEqual(limits(fed(restricted, "CHANNEL_UPDATE", { ...channel, nsfw: false })), []);
  assert.deepEqual(limits(created(0)), []);
});
