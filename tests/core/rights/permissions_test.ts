import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  deniedBy,
  hasAllPermissions,
  type Overwrite,
  type Permission,
  type PermissionInputs,
  riskyIn,
} from "../../../src/core/rights/rights.ts";
import { guildId, roleId, userId } from "../../support/discord/builders.ts";

const VIEW = 1n << 10n;
const HISTORY = 1n << 16n;
const ADMINISTRATOR = 1n << 3n;
const BOTH = VIEW | HISTORY;

const GUILD = guildId("100");
const EVERYONE = roleId("100");
const BOT_ROLE = roleId("200");
const HELPERS = roleId("300");
const BOT = userId("900");
const OWNER = userId("901");

function inputs(
  everyone: bigint,
  own: bigint,
  fields: Partial<PermissionInputs> = {},
): PermissionInputs {
  return {
    guildId: GUILD,
    ownerId: OWNER,
    roles: [
      { id: EVERYONE, permissions: everyone },
      { id: BOT_ROLE, permissions: own },
      { id: HELPERS, permissions: BOTH },
    ],
    userId: BOT,
    memberRoles: [BOT_ROLE],
    ...fields,
  };
}

const allow = (id: Overwrite["id"], bits: bigint): Overwrite => ({ id, allow: bits, deny: 0n });
const deny = (id: Overwrite["id"], bits: bigint): Overwrite => ({ id, allow: 0n, deny: bits });

const cases: readonly [string, PermissionInputs, readonly Overwrite[], readonly Permission[]][] = [
  ["everyone may", inputs(BOTH, 0n), [], []],
  ["only its own role is allowed", inputs(0n, BOTH), [], []],
  ["only a role that it does not have is allowed", inputs(0n, 0n), [], ["View Channel"]],
  ["it may view the channel, but not read the history", inputs(VIEW, 0n), [], [
    "Read Message History",
  ]],
  ["it may read the history, but not view the channel", inputs(HISTORY, 0n), [], ["View Channel"]],
  ["the channel denies everyone", inputs(BOTH, 0n), [deny(EVERYONE, HISTORY)], [
    "Read Message History",
  ]],
  [
    "the channel denies everyone, but allows its role",
    inputs(BOTH, 0n),
    [deny(EVERYONE, BOTH), allow(BOT_ROLE, BOTH)],
    [],
  ],
  [
    "one of its two roles is allowed, the other denied",
    inputs(BOTH, 0n, { memberRoles: [BOT_ROLE, HELPERS] }),
    [deny(BOT_ROLE, HISTORY), allow(HELPERS, HISTORY)],
    [],
  ],
  [
    "its role is allowed, but the member is denied",
    inputs(BOTH, 0n),
    [allow(BOT_ROLE, BOTH), deny(BOT, HISTORY)],
    ["Read Message History"],
  ],
  [
    "its role is denied, but the member is allowed",
    inputs(BOTH, 0n),
    [deny(BOT_ROLE, BOTH), allow(BOT, BOTH)],
    [],
  ],
  ["another is denied", inputs(BOTH, 0n), [deny(HELPERS, BOTH), deny(OWNER, BOTH)], []],
  ["it is an administrator", inputs(0n, ADMINISTRATOR), [deny(BOT, BOTH)], []],
  ["it owns the guild", inputs(0n, 0n, { ownerId: BOT }), [deny(BOT, BOTH)], []],
];

/** A member's permissions in a channel, computed as in Discord's documentation. */
function bitsIn(member: PermissionInputs, overwrites: readonly Overwrite[]): bigint {
  if (member.ownerId === member.userId) return -1n;
  const grants = (id: string) => member.roles.find((role) => role.id === id)?.permissions ?? 0n;
  let bits = grants(member.guildId);
  for (const role of member.memberRoles) bits |= grants(role);
  if ((bits & ADMINISTRATOR) !== 0n) return -1n;
  const ofEveryone = overwrites.find(({ id }) => String(id) === String(member.guildId));
  if (ofEveryone) bits = (bits & ~ofEveryone.deny) | ofEveryone.allow;
  let [allowed, denied] = [0n, 0n];
  for (const role of member.memberRoles) {
    const roleOverwrite = overwrites.find(({ id }) => id === role);
    allowed |= roleOverwrite?.allow ?? 0n;
    denied |= roleOverwrite?.deny ?? 0n;
  }
  bits = (bits & ~denied) | allowed;
  const ofMember = overwrites.find(({ id }) => id === member.userId);
  return ofMember ? (bits & ~ofMember.deny) | ofMember.allow : bits;
}

describe("[R11] deniedBy()", () => {
  const overwrite = fc.record({
    id: fc.constantFrom<Overwrite["id"]>(EVERYONE, BOT_ROLE, HELPERS, BOT, OWNER),
    allow: fc.constantFrom(0n, VIEW, HISTORY, BOTH),
    deny: fc.constantFrom(0n, VIEW, HISTORY, BOTH),
  });
  const overwrites = fc.uniqueArray(overwrite, { selector: ({ id }) => id });
  const member = fc.record({
    everyone: fc.constantFrom(0n, VIEW, HISTORY, BOTH),
    own: fc.constantFrom(0n, VIEW, HISTORY, ADMINISTRATOR),
    memberRoles: fc.constantFrom([BOT_ROLE], [BOT_ROLE, HELPERS], []),
    ownerId: fc.constantFrom(OWNER, BOT),
  });

  for (const [name, who, those, missing] of cases) {
    it(`[G6] misses ${missing.join() || "nothing"} where ${name}`, () => {
      const toRead = ["View Channel", "Read Message History"] as const;
      assert.deepEqual(
        toRead.filter((permission) => deniedBy(who, those, permission)).slice(0, 1),
        missing,
      );
    });
  }

  it("finds a denying rule exactly if the permission is missing", () => {
    fc.assert(fc.property(member, overwrites, ({ everyone, own, ...fields }, overwrites) => {
      const who = inputs(everyone, own, fields);
      const bits = bitsIn(who, overwrites);
      const blamed = [
        deniedBy(who, overwrites, "View Channel"),
        deniedBy(who, overwrites, "Read Message History"),
      ];
      assert.equal(blamed[0] === undefined, (bits & VIEW) !== 0n);
      assert.equal(blamed[1] === undefined, (bits & HISTORY) !== 0n);
      const reversed = overwrites.toReversed();
      assert.deepEqual(deniedBy(who, reversed, "View Channel"), blamed[0]);
      if (hasAllPermissions(who)) assert.deepEqual(blamed, [undefined, undefined]);
    }));
  });

  it("names only rules that deny the permission, and only roles of the member", () => {
    fc.assert(fc.property(member, overwrites, ({ everyone, own, ...fields }, overwrites) => {
      const who = inputs(everyone, own, fields);
      const denial = deniedBy(who, overwrites, "View Channel");
      const denies = (id: string) =>
        overwrites.some((overwrite) =>
          String(overwrite.id) === id && (overwrite.deny & VIEW) !== 0n
        );
      if (denial?.kind === "everyone") assert.ok(denies(EVERYONE));
      if (denial?.kind === "member") assert.ok(denies(BOT));
      if (denial?.kind === "roles") {
        assert.ok(denial.ids.length > 0);
        assert.ok(denial.ids.every((id) => who.memberRoles.includes(id) && denies(id)));
      }
    }));
  });
});

describe("[SEC-R34] riskyIn()", () => {
  const cases: readonly (readonly [bits: bigint, names: string])[] = [
    [1n << 29n, "Manage Webhooks"],
    [1n << 17n, "Mention Everyone"],
    [1n << 29n | 1n << 17n | VIEW, "Manage Webhooks, Mention Everyone"],
    [ADMINISTRATOR | 1n << 17n, "Administrator"],
    [BOTH, ""],
  ];
  for (const [bits, names] of cases) {
    it(`finds "${names}" in ${bits}`, () => assert.equal(riskyIn(bits).join(", "), names));
  }
});
