import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../src/core/inbound/inbound.ts";
import type { AccessPolicy } from "../../src/policy/rules.ts";
import { isOwnerHint, prepareRights } from "../../src/policy/admission.ts";
import { directMessage, guildMessage, guildPlace, sender } from "../support/discord/builders.ts";
import {
  ADA,
  BOB,
  bot,
  commands,
  dm,
  entries,
  listing,
  MODS,
  policy,
  webhook,
} from "./policies.ts";

const member = sender({ id: BOB, username: "pk:a", pluralkit: { memberId: "a", name: "ada" } });
const mod = sender({ roles: [{ id: MODS, name: "Mods" }] });

describe("[P10] prepareRights() › owners", () => {
  const cases: readonly [string, readonly string[], typeof mod, boolean][] = [
    ["by id", [ADA], sender(), true],
    ["by username", ["Ada"], sender(), true],
    ["another id", [BOB], sender(), false],
    ["no one on an empty list", [], sender(), false],
    ["not everyone", ["*"], sender(), false],
    ["no role by id", [`role:${MODS}`], mod, false],
    ["no role by name", ["role:Mods"], mod, false],
    ["a PluralKit member by id", ["pk:a"], member, true],
    ["the account that the member is of", [BOB], member, true],
    ["no PluralKit member by a name, which any person may choose", ["ada"], member, false],
    ["no bot", [ADA, "ada"], bot, false],
    ["no webhook", [ADA, "ada"], webhook, false],
  ];
  for (const [name, owners, from, isOne] of cases) {
    it(`${name}: ${isOne ? "yes" : "no"}`, () => {
      const rights = prepareRights(policy({ commands: commands({ owners: entries(...owners) }) }));
      const right = rights.needed("owner", guildPlace(), from, {});
      assert.equal(right?.isTheirs, isOne);
      assert.equal(right?.rule, "commands.ownerAllowFrom");
    });
  }

  it("uses Discord's owners without a list, and for people only", () => {
    const rights = prepareRights(policy());
    const of = (from: typeof mod) =>
      rights.needed("owner", guildPlace(), from, { ownsApplication: true })?.isTheirs;
    assert.deepEqual([of(sender()), of(bot)], [true, false]);
  });
});

describe("[K3] prepareRights() › approvers", () => {
  const rights = prepareRights(policy({ approvers: [ADA] }));
  const cases: readonly [name: string, from: typeof mod, isOne: boolean][] = [
    ["by id", sender(), true],
    ["no one else", sender({ id: BOB }), false],
    ["no bot", bot, false],
  ];
  for (const [name, from, isOne] of cases) {
    it(`${name}: ${isOne ? "yes" : "no"}`, () => {
      assert.equal(rights.needed("approver", guildPlace(), from, {})?.isTheirs, isOne);
    });
  }
});

describe("[P10] isOwnerHint()", () => {
  const users = (...texts: readonly string[]) => listing({ users: entries(...texts) });
  const owners = (...texts: readonly string[]) => ({
    commands: commands({ owners: entries(...texts) }),
  });
  const cases: readonly [string, Partial<AccessPolicy>, InboundMessage, boolean][] = [
    ["by id", users(ADA), guildMessage(), true],
    ["by name", users("ada"), guildMessage(), true],
    ["by name and as *", users("*", "ada"), guildMessage(), true],
    ["as everyone", users("*"), guildMessage(), false],
    ["as one of a role", users(`role:${MODS}`, "role:Mods"), guildMessage({ sender: mod }), false],
    ["without a list", listing(), guildMessage(), false],
    [
      "by the guild's list, if the channel has another",
      { ...listing({ users: entries(ADA), channels: { help: { users: entries("*") } } }) },
      guildMessage(),
      false,
    ],
    ["in a place that is closed", { guilds: {} }, guildMessage(), false],
    ["a bot", users(ADA), guildMessage({ sender: bot }), false],
    ["in a DM, by the list of DMs", { dm: dm({ allowFrom: entries(ADA) }) }, directMessage(), true],
    ["in a DM, by a guild's list", users(ADA), directMessage(), false],
    ["as an owner of the bot", { ...listing(), ...owners(ADA) }, guildMessage(), true],
    ["as an owner of the bot by name", { ...listing(), ...owners("ada") }, guildMessage(), true],
    ["as an owner of the bot in a DM", owners(ADA), directMessage(), true],
    ["as one of all owners", owners("*", `role:${MODS}`), guildMessage({ sender: mod }), false],
    ["as another owner", { ...listing(), ...owners(BOB) }, guildMessage(), false],
    ["a bot that is an owner", owners(ADA), guildMessage({ sender: bot }), false],
    [
      "a PluralKit member with the name of an owner",
      { ...listing(), ...owners("luna") },
      guildMessage({ sender: sender({ pluralkit: { memberId: "abcde", name: "luna" } }) }),
      false,
    ],
  ];
  for (const [name, rules, message, isOne] of cases) {
    it(`${name}: ${isOne ? "yes" : "no"}`, () => {
      assert.equal(isOwnerHint(message, policy(rules)), isOne);
    });
  }

  it("follows the lists of the policy that it gets, also after another one", () => {
    for (const [listed, other] of [[users(ADA), users(BOB)], [owners(ADA), owners(BOB)]] as const) {
      const [before, after] = [policy(listed), policy(other)];
      const hints = [before, before, after, before].map((by) => isOwnerHint(guildMessage(), by));
      assert.deepEqual(hints, [true, true, false, true]);
    }
  });

  it("gives no right", () => {
    const rights = prepareRights(policy({ ...users(ADA) }));
    assert.equal(rights.needed("owner", guildPlace(), sender(), {})?.isTheirs, false);
  });
});
