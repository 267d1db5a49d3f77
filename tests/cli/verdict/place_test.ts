import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findPlace } from "../../../src/cli/verdict/place.ts";
import { type Guild, type GuildIndex } from "../../../src/discord/gateway/decode/guild_index.ts";
import { channelId, guildId } from "../../support/discord/builders.ts";

function guild(
  id: string,
  name: string,
  channels: readonly (readonly [string, string, number?])[],
): Guild {
  return {
    id: guildId(id),
    name,
    roles: new Map(),
    channels: new Map(
      channels.map(([id, name, type = 0]) => [channelId(id), { id: channelId(id), type, name }]),
    ),
  };
}

const KRILL = guild("1400000000000000010", "Krill Friends", [
  ["1400000000000000011", "help"],
  ["1400000000000000012", "general"],
  ["1400000000000000013", "general-category", 4],
]);
const OTHER = guild("1400000000000000020", "Other", [["1400000000000000021", "general"]]);
const INDEX: GuildIndex = new Map([KRILL, OTHER].map((guild) => [guild.id, guild]));

describe("findPlace()", () => {
  it("reads dm and group", () => {
    const dm = findPlace("dm", INDEX);
    assert.equal(dm.kind === "place" && dm.place.kind, "dm");
    const group = findPlace("group:1400000000000000055", INDEX);
    assert.equal(group.kind === "place" && group.channelId, "1400000000000000055");
    const named = findPlace("group:friends", INDEX);
    assert.deepEqual(named.kind === "place" && named.place, { kind: "group_dm", name: "friends" });
  });

  for (
    const text of [
      "1400000000000000011",
      "<#1400000000000000011>",
      "channel:1400000000000000011",
      "https://discord.com/channels/1400000000000000010/1400000000000000011",
      "help",
      "#help",
      "Krill Friends/help",
      "krill-friends/help",
    ]
  ) {
    it(`finds #help by ${text}`, () => {
      const place = findPlace(text, INDEX);
      assert.ok(place.kind === "place", text);
      assert.equal(place.channelId, "1400000000000000011");
      assert.equal(place.guildId, KRILL.id);
      assert.ok(place.place.kind === "guild" && place.place.channel.name === "help");
    });
  }

  it("rejects an ambiguous name, and lists the matches", () => {
    const place = findPlace("general", INDEX);
    assert.ok(place.kind === "problem");
    assert.match(
      place.problem,
      /1400000000000000012 \(Krill Friends\/general\) or 1400000000000000021/,
    );
    assert.equal(findPlace("other/general", INDEX).kind, "place");
  });

  it("reports an unknown channel, and trusts a link", () => {
    for (const text of ["nowhere", "general-category", "1400000000000000099", ""]) {
      assert.equal(findPlace(text, INDEX).kind, "problem", text);
    }
    const linked = findPlace("https://discord.com/channels/77/1400000000000000099", INDEX);
    assert.ok(linked.kind === "place" && linked.place.kind === "guild");
    assert.equal(linked.place.isUnknown, true);
  });

  it("[X1] removes control characters from matches", () => {
    const evil = guild("1400000000000000030", "\u001b[2J\nbarnacle: all is well \u202e", [
      ["1400000000000000031", "general"],
    ]);
    const place = findPlace("general", new Map([...INDEX, [evil.id, evil]]));
    assert.ok(place.kind === "problem");
    assert.doesNotMatch(place.problem, /[\p{Cc}\p{Cf}]/u);
    assert.match(place.problem, /1400000000000000031/);
  });
});
