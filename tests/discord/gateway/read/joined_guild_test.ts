import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyDispatch } from "../../../../src/discord/gateway/read/apply_dispatch.ts";
import { joinedGuild } from "../../../../src/discord/gateway/read/reader.ts";
import { GUILD, guildData, SELF } from "../../../support/discord/payloads.ts";

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
    [
      "a guild with an outage",
      dispatch("GUILD_CREATE", { ...guildData(), unavailable: true }),
      new Map(),
      [],
    ],
    ["another type", dispatch("GUILD_UPDATE", guildData()), new Map(), []],
    ["a payload of an unexpected shape", dispatch("GUILD_CREATE", { id: "none" }), new Map(), []],
    ["nothing", dispatch("GUILD_CREATE", null), new Map(), []],
  ];
  for (const [what, ...asked] of others) {
    it(`does not return ${what}`, () => assert.equal(joinedGuild(...asked), undefined));
  }
});
