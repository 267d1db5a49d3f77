import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { clickable, emojisIn, readable, withEmojis } from "../../../src/core/inbound/inbound.ts";
import { roleId, userId } from "../../support/discord/builders.ts";

const ADA = "1900000000000000001";
const BOB = "1900000000000000002";
const ANN = "1900000000000000003";
const CY = "1900000000000000004";
const PARCEL = "12345678901234567";
const PLANS = "1700000000000000002";
const MODS = "1800000000000000001";
const NAMES = {
  [`@${ADA}`]: "Ada L",
  [`@&${MODS}`]: "Moderators",
  [`#${PLANS}`]: "plans",
  "@5": "",
  "@6": "eve (7) [x]",
  "@7": "C# @x\n<3 y",
};

describe("[H3] readable()", () => {
  const table: readonly [written: string, read: string][] = [
    ["no markup", "no markup"],
    [`ask <@${ADA}> and <@!${ADA}>`, `ask @Ada L (${ADA}) and @Ada L (${ADA})`],
    [`<@&${MODS}> in <#${PLANS}>`, `@Moderators (role ${MODS}) in #plans (${PLANS})`],
    ["<@5> hi", "@you hi"],
    ["<@6>", "@eve ‹7› ‹x› (6)"],
    ["<@7>", "@C＃ x ‹3 y (7)"],
    ["<@99> <#99> <@&99>", "<@99> <#99> <@&99>"],
    ["<:krill:12> <a:wave:13>", ":krill: :wave:"],
    [`#1 and order (${PARCEL})`, `#1 and order\u00a0(${PARCEL})`],
    [`@Ada (${ADA}), [from: x (${ADA})]`, `@Ada\u00a0(${ADA}), [from: x\u00a0(${ADA})]`],
    ["#7 (5 of 8)", "#7 (5 of 8)"],
    ["</help:12> </config set:13>", "/help /config set"],
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
    `[from: Ann (${ANN})] the parcel (${PARCEL}), #other (${PLANS})`,
    `{"id":"1400000000000000001","from":"cy","from_id":"${CY}","text":"hi"}`,
  ];
  const named = [[`@${BOB}`, "bob"], [`#${PLANS}`, "plans"], [`@&${MODS}`, "Moderators"]] as const;
  const table: readonly [written: string, sent: string][] = [
    [`@Ada L (${ADA})!`, `<@${ADA}>!`],
    [`see #plans (${PLANS})`, `see <#${PLANS}>`],
    [`@Moderators (role ${MODS})`, `<@&${MODS}>`],
    [`bob (${BOB}) and @Robert (${BOB}) know`, `<@${BOB}> and <@${BOB}> know`],
    [`Ann (${ANN}), cy (${CY})`, `<@${ANN}>, <@${CY}>`],
    [`@${BOB}, #${PLANS}`, `<@${BOB}>, <#${PLANS}>`],
    [`contact @Ada and bob (${BOB})`, `contact @Ada and <@${BOB}>`],
    ["@bob and @Ada L", `<@${BOB}> and @Ada L`],
    ["@bobby, x@bob and @everyone", "@bobby, x@bob and @everyone"],
    ["@bob.lee, @bob-lee, info-@bob.org", "@bob.lee, @bob-lee, info-@bob.org"],
    ["#plans-b, #plans・b, #plans", `#plans-b, #plans・b, <#${PLANS}>`],
    ["Ask @bob.", `Ask <@${BOB}>.`],
    ["in #plans, #other, @Moderators", `in <#${PLANS}>, #other, @Moderators`],
    [`**@bob** (${BOB}), "@bob" (${BOB})`, `**<@${BOB}>**, "<@${BOB}>"`],
    [`order (${BOB}) \`@bob\` \`bob (${BOB})\``, `order (${BOB}) \`@bob\` \`bob (${BOB})\``],
    [`<@${BOB}> <#${PLANS}>`, `<@${BOB}> <#${PLANS}>`],
    [`# Title (${BOB})`, `# Title (${BOB})`],
    [`Invoice #${PARCEL}, @x (${PARCEL})`, `Invoice #${PARCEL}, @x (${PARCEL})`],
    [`Your parcel (${PARCEL}) is here.`, `Your parcel (${PARCEL}) is here.`],
  ];
  const isCode = (text: string) => (at: number) => text.includes("`") && at > text.indexOf("`");
  for (const [written, sent] of table) {
    it(`sends ${written}`, () => {
      const pings = { users: [userId(BOB)], roles: [] };
      assert.equal(clickable(written, isCode(written), () => read, named, pings), sent);
    });
  }

  it("mentions a role that the answer may ping, and no name that two people have", () => {
    const pings = { users: [userId(ADA), userId(BOB)], roles: [roleId(MODS)] };
    const people = [[`@${ADA}`, "sam"], [`@${BOB}`, "sam"], ...named] as const;
    const sent = clickable("@Moderators @sam", () => false, () => read, people, pings);
    assert.equal(sent, `<@&${MODS}> @sam`);
  });

  it("takes time in proportion to the texts", () => {
    const names = Array.from({ length: 3_000 }, (_, n) => `#room${n} (${10n ** 17n + BigInt(n)})`);
    for (const part of ["#room1 ", "#roo", `word (${BOB}) `, "@a ", "@x#c", "("]) {
      const from = process.cpuUsage(); // a busy machine gives less of each second
      clickable(part.repeat(3_000), () => false, () => names, named);
      assert.ok(process.cpuUsage(from).user < 1_000_000, part);
    }
  });
});

describe("[R4] withEmojis()", () => {
  const read = [
    '{"emojis":"<:krill:1400000000000000005> <a:wave:1400000000000000006>"}',
    ":other:",
  ];
  const table: readonly [written: string, sent: string][] = [
    ["hi :krill:!", "hi <:krill:1400000000000000005>!"],
    [
      "**:wave:** :krill::wave:",
      "**<a:wave:1400000000000000006>** <:krill:1400000000000000005><a:wave:1400000000000000006>",
    ],
    ["<:krill:12> :other: :Krill:", "<:krill:12> :other: :Krill:"],
    [
      "12:krill:5 https://e.org/:krill: [:krill:](https://e.org)",
      "12:krill:5 https://e.org/:krill: [:krill:](https://e.org)",
    ],
    ["at 10:30:45 `:krill:`", "at 10:30:45 `:krill:`"],
  ];
  for (const [written, sent] of table) {
    it(`sends ${written}`, () => {
      const isCode = (at: number) => written.includes("`") && at > written.indexOf("`");
      assert.equal(withEmojis(written, isCode, () => read), sent);
    });
  }

  it("knows the emojis that a model has read with their ids, the newest of a name", () => {
    const texts = ["<:a1:10>", "<:a1:11> <a:b2:12> <:a1:11>"];
    assert.equal(emojisIn(texts), "<:a1:10> <:a1:11> <a:b2:12>");
    assert.equal(emojisIn(["<@1> :a1: <t:60:R> </b:4>"]), undefined);
    assert.equal(withEmojis(":a1:", () => false, () => texts), "<:a1:11>");
  });
});
