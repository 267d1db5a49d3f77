import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyDispatch } from "../../../../src/discord/gateway/read/reader.ts";
import type { GuildIndex } from "../../../../src/discord/gateway/decode/guild_index.ts";
import { placeIn, placesOf } from "../../../../src/discord/gateway/decode/decode.ts";
import { readyData } from "../../../support/gateway/fake_gateway.ts";
import { CHANNEL, GUILD, guildData, SELF, THREAD } from "../../../support/discord/payloads.ts";

const fed = (index: GuildIndex, t: string, d: unknown) =>
  applyDispatch(index, { t, s: 1, d }, SELF.userId).index;
const CREATED = fed(new Map(), "GUILD_CREATE", guildData());
const ALL = new Set<never>();

describe("[G6] placesOf()", () => {
  it("lists channels and threads with the same places as live messages", () => {
    const { channels, awaited } = placesOf(CREATED, ALL);
    assert.deepEqual(awaited, []);
    assert.deepEqual(channels.map(({ id }) => id), [CHANNEL, THREAD]);
    for (const { id, guildId, place } of channels) {
      assert.equal(guildId, GUILD);
      assert.deepEqual(place, placeIn(GUILD, id, CREATED.get(GUILD)));
    }
  });

  const types: readonly [number, boolean][] = [
    [0, true],
    [2, true],
    [4, false],
    [5, true],
    [10, true],
    [11, true],
    [12, true],
    [13, true],
    [14, false],
    [15, false],
    [16, false],
    [99, true],
  ];
  for (const [type, has] of types) {
    it(`treats a channel of type ${type} as ${has ? "one with" : "one without"} messages`, () => {
      const channels = [{ id: CHANNEL, type, name: "x" }];
      const index = fed(new Map(), "GUILD_CREATE", guildData({ channels, threads: [] }));
      assert.equal(placesOf(index, ALL).channels.length, has ? 1 : 0);
    });
  }

  it("reads channels and threads whose `application_id` is null, as it may be since August 2026", () => {
    const channels = [{ id: CHANNEL, type: 0, name: "x", application_id: null }];
    const threads = [
      { id: "1700000000000000004", type: 11, name: "z", parent_id: CHANNEL, application_id: null },
    ];
    const index = fed(new Map(), "GUILD_CREATE", guildData({ channels, threads }));
    assert.equal(placesOf(index, ALL).channels.length, 2);
  });

  it("reports the last message of a channel, or that it has none", () => {
    const last = "1400000000000000007";
    const channels = [
      { id: CHANNEL, type: 0, name: "x", last_message_id: last },
      { id: "1700000000000000003", type: 0, name: "y", last_message_id: null },
      { id: "1700000000000000004", type: 0, name: "z" },
    ];
    const index = fed(new Map(), "GUILD_CREATE", guildData({ channels, threads: [] }));
    assert.deepEqual(
      placesOf(index, ALL).channels.map(({ lastMessageId }) => lastMessageId),
      [last, "none", undefined],
    );
  });

  it("awaits a guild that only READY has listed, and lists none of its channels", () => {
    const guilds = [{ id: GUILD, unavailable: true }];
    const index = fed(CREATED, "READY", { ...readyData(1, "ws://x") as object, guilds });
    assert.deepEqual(placesOf(index, ALL), { channels: [], awaited: [GUILD] });
    const back = fed(index, "GUILD_CREATE", guildData());
    assert.equal(placesOf(back, ALL).channels.length, 2);
    const left = fed(index, "GUILD_DELETE", { id: GUILD });
    assert.deepEqual(placesOf(left, ALL), { channels: [], awaited: [] });
  });
});
