import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Sender } from "../../../src/core/inbound/inbound.ts";
import {
  type AllowEntry,
  mayNameAccount,
  parseAllowEntry,
  prepareAllowlist,
} from "../../../src/policy/rules.ts";
import { roleId, sender, userId } from "../../support/discord/builders.ts";

const ALICE = userId("123456789012345678");
const BOB = userId("987654321098765432");
const MODS = roleId("1400000000000000003");

describe("[P4] parseAllowEntry()", () => {
  const cases: readonly [text: string, entry: AllowEntry][] = [
    ["*", { kind: "anyone" }],
    [ALICE, { kind: "user", id: ALICE }],
    [` ${ALICE} `, { kind: "user", id: ALICE }],
    [`<@${ALICE}>`, { kind: "user", id: ALICE }],
    [`<@!${ALICE}>`, { kind: "user", id: ALICE }],
    [`user:${ALICE}`, { kind: "user", id: ALICE }],
    [`discord:${ALICE}`, { kind: "user", id: ALICE }],
    [`DISCORD:${ALICE}`, { kind: "user", id: ALICE }],
    [`User:${ALICE}`, { kind: "user", id: ALICE }],
    [`ROLE:${MODS}`, { kind: "role", id: MODS }],
    ["Pk:abcde", { kind: "pluralkit", memberId: "abcde" }],
    ["pk:abcde", { kind: "pluralkit", memberId: "abcde" }],
    [`role:${MODS}`, { kind: "role", id: MODS }],
    ["role:Night Watch", { kind: "role_name", name: "Night Watch" }],
    ["steipete", { kind: "name", name: "steipete" }],
    ["@steipete", { kind: "name", name: "steipete" }],
    ["@@steipete", { kind: "name", name: "@steipete" }],
    ["Ada#1234", { kind: "name", name: "Ada#1234" }],
  ];
  for (const [text, entry] of cases) {
    it(`reads ${JSON.stringify(text)} as ${entry.kind}`, () => {
      assert.deepEqual(parseAllowEntry(text), entry);
    });
  }

  const refused: readonly [text: string, why: RegExp][] = [
    ["", /blank/],
    ["  ", /blank/],
    ["discord:steipete", /"discord:steipete" contains no Discord user id/],
    ["user:", /no Discord user id/],
    ["@", /contains no name/],
    ["@175928847299117063", /may be an id or a name: write "175928847299117063" or/],
    ["<@steipete>", /no Discord user id/],
    [`<@&${MODS}>`, /no Discord user id/], // mentions a role
    ["DISCORD:ada", /no Discord user id/],
    [`Channel:${ALICE}`, /groupChannels/],
    ["telegram:175928847299117063", /has a prefix that no user has/],
    [`<#${ALICE}>`, /mentions no user/],
    ["everyone", /write "\*" for everyone/],
    ["@everyone", /write "\*" for everyone/],
    ["@here", /write "\*" for everyone/],
    ["99999999999999999999", /no Discord user id/], // larger than 64 bits
    ["pk:", /nothing after the colon/],
    ["role:", /nothing after the colon/],
    [`channel:${ALICE}`, /groupChannels/],
    ["#ada", /"#ada" is the name of a channel, not of a user/],
  ];
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text)}, which can match no sender`, () => {
      const entry = parseAllowEntry(text);
      assert.ok(entry.kind === "problem");
      assert.match(entry.why, why);
    });
  }
});

describe("[P4] mayNameAccount()", () => {
  for (const name of ["ada", "ada.lovelace_1", "Ada#1234", "Bot Name#0", "日本", "x".repeat(32)]) {
    it(`accepts ${name}`, () => assert.ok(mayNameAccount(name)));
  }
  for (const name of ["a", "tg:ada", "ada@home", "#ada", "ada#12345", "x".repeat(33), "a\nb"]) {
    it(`refuses ${JSON.stringify(name)}`, () => assert.ok(!mayNameAccount(name)));
  }
});

describe("prepareAllowlist()", () => {
  const alice = sender({
    id: ALICE,
    username: "ada",
    tag: "ada#1234",
    roles: [{ id: MODS, name: "Mods" }],
  });
  const proxied: Sender = { ...alice, pluralkit: { memberId: "abcde", name: "Luna Moth" } };
  const shown: Sender = {
    ...alice,
    pluralkit: { memberId: "abcde", name: "luna", displayName: "Luna Moth ✨" },
  };
  const nameless: Sender = { ...alice, pluralkit: { memberId: "fghij", name: "日本語" } };

  const cases: readonly [string, string, readonly string[], Sender, boolean][] = [
    ["P4", "no one by an empty list", [], alice, false],
    ["P4", "anyone through a wildcard", ["*"], alice, true],
    ["P4", "a listed id", [ALICE], alice, true],
    ["P4", "no other id", [BOB], alice, false],
    ["P4", "a person further down the list", [BOB, "*"], alice, true],
    ["P4", "the unique username in any case", ["ADA"], alice, true],
    ["P4", "no part of a username", ["ad"], alice, false],
    ["P4", "no slug of a username", ["-ada-"], alice, false],
    ["P4", "the tag in any case", ["Ada#1234"], alice, true],
    ["P4", "no other tag of the same name", ["ada#9999"], alice, false],
    ["P14", "a member with a listed role", [`role:${MODS}`], alice, true],
    ["P14", "a member with a role of a listed name", ["role:Mods"], alice, true],
    ["P14", "no one for a role of another name", ["role:Mod"], alice, false],
    ["P14", "no one whose name is the role's", ["role:ada"], alice, false],
    ["P14", "no one for a user's id as a role", [`role:${ALICE}`], alice, false],
    ["P13", "a listed PluralKit member", ["pk:abcde"], proxied, true],
    ["P13", "no PluralKit member who did not write", ["pk:abcde"], alice, false],
    ["P13", "a PluralKit member by name", ["luna moth"], proxied, true],
    ["P13", "a PluralKit member by slug", ["luna-moth"], proxied, true],
    ["P13", "a PluralKit member by display name", ["luna moth ✨"], shown, true],
    ["P13", "a PluralKit member by the slug of the display name", ["luna-moth"], shown, true],
    ["P13", "no PluralKit member by the name of the account", ["ada"], proxied, false],
    ["P15", "no one because two slugs are empty", ["中文"], nameless, false],
  ];
  for (const [rule, name, list, from, allowed] of cases) {
    it(`[${rule}] allows ${name}`, () => {
      assert.equal(prepareAllowlist(list.map(entryOf))(from) !== undefined, allowed);
    });
  }

  it("[P4] ignores display names", () => {
    const impostor = { ...sender({ id: BOB, username: "mallory" }), displayName: "ada" };
    assert.equal(prepareAllowlist([entryOf("ada")])(impostor), undefined);
  });

  it("[P4] answers for one sender after another", () => {
    const isOn = prepareAllowlist([ALICE, "bob"].map(entryOf));
    const senders = [
      sender({ id: ALICE }),
      sender({ id: BOB, username: "mallory" }),
      sender({ id: BOB, username: "Bob" }),
    ];
    assert.deepEqual(senders.map(isOn).map((entry) => entry?.kind), ["user", undefined, "name"]);
  });

  const duplicates: readonly [name: string, what: string][] = [
    ["\u212aen", "Kelvin's sign, whose small form is k"],
    ["к\u0435n", "Cyrillic letters"],
    ["ｋｅｎ", "full-width letters"],
    ["ke\u200bn", "a zero-width space"],
    ["kén", "an accent"],
    [" ken", "a space"],
    ["ken\u0307", "a mark"],
  ];
  for (const [username, what] of duplicates) {
    it(`[SEC-R12] takes no other name for ken by ${what}`, () => {
      const isOn = prepareAllowlist([entryOf("ken")]);
      assert.equal(isOn(sender({ id: BOB, username })), undefined);
      assert.equal(isOn(sender({ id: BOB, username: username.toUpperCase() })), undefined);
    });
  }

  it("[P4] folds capitals beyond ASCII, as in old names", () => {
    const isOn = prepareAllowlist([entryOf("Ärger#0001")]);
    assert.equal(isOn(sender({ id: BOB, username: "x", tag: "ärger#0001" }))?.kind, "name");
  });

  const automata: readonly [name: string, list: readonly string[], from: Sender, isOn: boolean][] =
    [
      ["no bot by a name that others may have", ["ada"], { ...alice, automaton: "bot" }, false],
      ["a bot by its tag", ["ada#1234"], { ...alice, automaton: "bot" }, true],
      ["a bot by its id", [ALICE], { ...alice, automaton: "bot" }, true],
      ["no webhook by a name", ["ada", "ada#1234"], { ...alice, automaton: "webhook" }, false],
      ["a webhook by its id", [ALICE], { ...alice, automaton: "webhook" }, true],
    ];
  for (const [name, list, from, isOn] of automata) {
    it(`[P4] [P11] allows ${name}`, () => {
      assert.equal(prepareAllowlist(list.map(entryOf))(from) !== undefined, isOn);
    });
  }

  it("[T2] finds the most specific entry, in any order", () => {
    const list = ["*", "role:Mods", `role:${MODS}`, "ada", "ada#1234", ALICE];
    const found = list.map((_, index) =>
      prepareAllowlist(list.slice(0, list.length - index).map(entryOf))(alice)
    );
    assert.deepEqual(found.map((entry) => entry?.kind), [
      "user",
      "name",
      "name",
      "role",
      "role_name",
      "anyone",
    ]);
  });

  it("[P14] matches no role whose name is unknown", () => {
    const isOn = prepareAllowlist([entryOf("role:Mods")]);
    assert.equal(isOn({ ...alice, roles: [{ id: MODS }] }), undefined);
  });
});

function entryOf(text: string): AllowEntry {
  const entry = parseAllowEntry(text);
  if (entry.kind === "problem") throw new RangeError(entry.why);
  return entry;
}
