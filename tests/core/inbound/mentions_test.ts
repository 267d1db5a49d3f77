import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clickable, readable } from "../../../src/core/inbound/mentions.ts";
import { roleId, userId } from "../../support/discord/builders.ts";

const ADA = "1900000000000000001";
const BOB = "1900000000000000002";
const PLANS = "1700000000000000002";
const MODS = "1800000000000000001";
const NAMES = {
  [`@${ADA}`]: "Ada L",
  [`@&${MODS}`]: "Moderators",
  [`#${PLANS}`]: "plans",
  "@5": "",
  "@6": "eve (7) [x]",
};

describe("[H3] readable()", () => {
  const table: readonly [written: string, read: string][] = [
    ["no markup", "no markup"],
    [`ask <@${ADA}> and <@!${ADA}>`, `ask @Ada L (${ADA}) and @Ada L (${ADA})`],
    [`<@&${MODS}> in <#${PLANS}>`, `@Moderators (role ${MODS}) in #plans (${PLANS})`],
    ["<@5> hi", "@you hi"],
    ["<@6>", "@eve ‹7› ‹x› (6)"],
    ["<@99> <#99> <@&99>", "<@99> <#99> <@&99>"],
    ["<:krill:12> <a:wave:13>", ":krill: :wave:"],
    ["<t:60:R> <t:0>", "at 60000 at 0"],
    ["a < b <@> <t:x>", "a < b <@> <t:x>"],
  ];
  for (const [written, read] of table) {
    it(`reads ${written}`, () => {
      assert.equal(readable(written, NAMES, (at) => `at ${at}`), read);
    });
  }

  it("leaves times to a reader with a zone", () => assert.equal(readable("<t:60>"), "<t:60>"));
});

describe("[R4] clickable()", () => {
  const read = [
    `say hello to @Ada L (${ADA}) in #plans (${PLANS}), @Moderators (role ${MODS})`,
    `[from: bob (${BOB})] [message_id: 1400000000000000001]`,
  ];
  const table: readonly [written: string, sent: string][] = [
    [`@Ada L (${ADA})!`, `<@${ADA}>!`],
    [`see #plans (${PLANS})`, `see <#${PLANS}>`],
    [`@Moderators (role ${MODS})`, `<@&${MODS}>`],
    [`bob (${BOB}) knows`, `<@${BOB}> knows`],
    [`@${BOB}, #${PLANS}`, `<@${BOB}>, <#${PLANS}>`],
    [`contact @Ada and bob (${BOB})`, `contact @Ada and bob (<@${BOB}>)`],
    ["@bob and @Ada L", `<@${BOB}> and @Ada L`],
    ["@bobby, x@bob and @everyone", "@bobby, x@bob and @everyone"],
    ["in #plans, @Moderators", `in <#${PLANS}>, @Moderators`],
    [`order (${BOB}) \`@bob\``, `order (${BOB}) \`@bob\``],
    [`<@${BOB}> <#${PLANS}>`, `<@${BOB}> <#${PLANS}>`],
    [`# Title (${BOB})`, `# Title (${BOB})`],
  ];
  const isCode = (text: string) => (at: number) => at > text.indexOf("`") && text.includes("`");
  for (const [written, sent] of table) {
    it(`sends ${written}`, () => {
      const pings = { users: [userId(BOB)], roles: [] };
      assert.equal(clickable(written, isCode(written), () => read, [[BOB, "bob"]], pings), sent);
    });
  }

  it("mentions a role that the answer may ping, and no name that two people have", () => {
    const pings = { users: [userId(ADA), userId(BOB)], roles: [roleId(MODS)] };
    const people = [[ADA, "sam"], [BOB, "sam"]] as const;
    const sent = clickable("@Moderators @sam", () => false, () => read, people, pings);
    assert.equal(sent, `<@&${MODS}> @sam`);
  });
});
