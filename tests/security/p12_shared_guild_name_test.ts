/** Attacks by a guild with the name of another one, which anyone can create. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeIn } from "../../src/discord/gateway/decode/decode.ts";
import { snapshotOf } from "../../src/discord/gateway/decode/guild_index.ts";
import { createReader } from "../../src/discord/gateway/read/reader.ts";
import type { ResolvedName } from "../../src/core/names.ts";
import { rulesFor, withNames } from "../../src/policy/rules.ts";
import type { GuildRules } from "../../src/policy/rules.ts";
import { guild, policy } from "../policy/policies.ts";
import { ACCOUNT, channelId, guildId } from "../support/discord/builders.ts";
import { guildData, SELF } from "../support/discord/payloads.ts";

const OURS = guildId("1400000000000000001");
const THEIRS = guildId("1400000000000000002");
const CHANNEL = channelId("1400000000000000011");

function open() {
  const reader = createReader({ accountId: ACCOUNT, self: SELF, guilds: [] }, () => {});
  let seq = 0;
  const read = (t: string, d: object) => {
    seq += 1;
    const text = JSON.stringify({ t, s: seq, op: 0, d });
    return reader.read({ ticket: seq, arrivedAt: 0, number: seq, epoch: 1, seq, text });
  };
  const channels = [{ id: CHANNEL, type: 0, name: "help", parent_id: null }];
  return {
    reader,
    read,
    create: (id: string, name: string) =>
      read("GUILD_CREATE", guildData({ id, name, channels, threads: [] })),
    rename: (id: string, name: string) => read("GUILD_UPDATE", { ...guildData(), id, name }),
    leave: (id: string) => read("GUILD_DELETE", { id }),
    /** Which of the two guilds the entries let in: `"ours"`, `"ours, theirs"`, `"none"`. */
    letIn(entries: Readonly<Record<string, Partial<GuildRules>>>, names: ResolvedName[] = []) {
      const guilds = Object.fromEntries(
        Object.entries(entries).map(([key, rules]) => [key, guild(rules)]),
      );
      const current = withNames(policy({ guilds }), names);
      const isIn = (id: typeof OURS) =>
        rulesFor(placeIn(id, CHANNEL, reader.index.get(id)), current).kind === "open";
      return [["ours", OURS] as const, ["theirs", THEIRS] as const]
        .filter(([, id]) => reader.index.has(id) && isIn(id)).map(([name]) => name)
        .join(", ") || "none";
    },
  };
}

const pin = (id: typeof OURS, typed: string): ResolvedName => ({
  kind: "guild",
  id,
  name: typed,
  typed,
  at: 1,
});

describe("[P12] a guild's name that two guilds have", () => {
  const pairs: readonly (readonly [ours: string, theirs: string, key: string])[] = [
    ["Friends", "Friends", "friends"],
    ["Friends", "friends", "friends"],
    ["Friends", "Friends!", "friends"],
    ["Friends", "#Friends", "friends"],
    ["Friends", "Friends", "Friends"],
    ["Help Desk", "help-desk", "help-desk"],
    ["日本語", "日本語", "日本語"],
    ["日本 語", "日本-語", "日本-語"],
  ];
  for (const [ours, theirs, key] of pairs) {
    it(`"${ours}" and "${theirs}": "${key}" lets in neither`, () => {
      const { create, letIn } = open();
      create(OURS, ours);
      assert.equal(letIn({ [key]: {} }), "ours");
      create(THEIRS, theirs);
      assert.equal(letIn({ [key]: {} }), "none");
    });
  }

  it("an id lets its guild in", () => {
    const { create, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Friends");
    assert.equal(letIn({ [OURS]: {} }), "ours");
    assert.equal(letIn({ [OURS]: {}, friends: {} }), "ours");
  });

  it("a name that was resolved before keeps its guild, and lets no second one in", () => {
    const { create, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Friends");
    assert.equal(letIn({ friends: {} }, [pin(OURS, "friends")]), "ours");
  });

  it("a guild that takes the name later closes both; another name opens the first again", () => {
    const { create, rename, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Others");
    assert.equal(letIn({ friends: {} }), "ours");
    rename(THEIRS, "Friends");
    assert.equal(letIn({ friends: {} }), "none");
    rename(THEIRS, "Others");
    assert.equal(letIn({ friends: {} }), "ours");
    rename(OURS, "Former friends");
    assert.equal(letIn({ friends: {} }), "none");
  });

  it("a second guild that leaves opens the first again", () => {
    const { create, leave, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Friends");
    leave(THEIRS);
    assert.equal(letIn({ friends: {} }), "ours");
  });

  it("stays known over a restart, and while a GUILD_CREATE repeats", () => {
    const { reader, create, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Friends");
    create(OURS, "Friends");
    assert.equal(letIn({ friends: {} }), "none");
    const guilds = Array.from(reader.index.values(), snapshotOf);
    const { index } = createReader({ accountId: ACCOUNT, self: SELF, guilds }, () => {});
    assert.equal(index.get(OURS)?.hasNamesake, true);
    assert.equal(index.get(THEIRS)?.hasNamesake, true);
  });

  it("its limits still hold for both under *", () => {
    const { create, letIn } = open();
    create(OURS, "Friends");
    create(THEIRS, "Friends");
    assert.equal(letIn({ "*": {} }), "ours, theirs");
    assert.equal(letIn({ "*": {}, friends: { channels: {} } }), "none");
  });
});
