import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  deniedBy,
  mayEverything,
  missingToRead,
  type Overwrite,
  permissionsIn,
  type ReadPermission,
  type Standing,
} from "../../../src/discord/rest/permissions.ts";
import { guildId, roleId, userId } from "../../support/builders.ts";

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

function standing(everyone: bigint, own: bigint, fields: Partial<Standing> = {}): Standing {
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

const cases: readonly [string, Standing, readonly Overwrite[], readonly ReadPermission[]][] = [
  ["everybody may", standing(BOTH, 0n), [], []],
  ["only its own role may", standing(0n, BOTH), [], []],
  ["only a role may that it does not have", standing(0n, 0n), [], ["View Channel"]],
  ["it may see, and not read back", standing(VIEW, 0n), [], ["Read Message History"]],
  ["it may read back what it may not see", standing(HISTORY, 0n), [], ["View Channel"]],
  ["the channel denies everybody", standing(BOTH, 0n), [deny(EVERYONE, HISTORY)], [
    "Read Message History",
  ]],
  [
    "the channel denies everybody, and not its role",
    standing(BOTH, 0n),
    [deny(EVERYONE, BOTH), allow(BOT_ROLE, BOTH)],
    [],
  ],
  [
    "of two of its roles one is allowed and one is denied",
    standing(BOTH, 0n, { memberRoles: [BOT_ROLE, HELPERS] }),
    [deny(BOT_ROLE, HISTORY), allow(HELPERS, HISTORY)],
    [],
  ],
  [
    "its role is allowed, and it is denied itself",
    standing(BOTH, 0n),
    [allow(BOT_ROLE, BOTH), deny(BOT, HISTORY)],
    ["Read Message History"],
  ],
  [
    "its role is denied, and it is allowed itself",
    standing(BOTH, 0n),
    [deny(BOT_ROLE, BOTH), allow(BOT, BOTH)],
    [],
  ],
  ["another is denied", standing(BOTH, 0n), [deny(HELPERS, BOTH), deny(OWNER, BOTH)], []],
  ["it is an administrator", standing(0n, ADMINISTRATOR), [deny(BOT, BOTH)], []],
  ["it owns the guild", standing(0n, 0n, { ownerId: BOT }), [deny(BOT, BOTH)], []],
];

describe("[G6] permissionsIn()", () => {
  for (const [name, member, overwrites, missing] of cases) {
    it(`misses ${missing.join() || "nothing"} where ${name}`, () =>
      assert.deepEqual(missingToRead(permissionsIn(member, overwrites)), missing));
  }

  it("asks not in which order the overwrites come", () => {
    const overwrite = fc.record({
      id: fc.constantFrom<Overwrite["id"]>(EVERYONE, BOT_ROLE, HELPERS, BOT),
      allow: fc.constantFrom(0n, VIEW, HISTORY, BOTH),
      deny: fc.constantFrom(0n, VIEW, HISTORY, BOTH),
    });
    const unique = fc.uniqueArray(overwrite, { selector: ({ id }) => id });
    fc.assert(fc.property(unique, fc.constantFrom(0n, VIEW, BOTH), (overwrites, base) => {
      const member = standing(base, 0n, { memberRoles: [BOT_ROLE, HELPERS] });
      const bits = permissionsIn(member, overwrites);
      assert.equal(permissionsIn(member, overwrites.toReversed()), bits);
      if ((bits & VIEW) === 0n) assert.equal(bits, 0n, "whoever sees nothing can do nothing");
    }));
  });
});

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

  it("finds somebody to blame exactly where the permission is missing", () => {
    fc.assert(fc.property(member, overwrites, ({ everyone, own, ...fields }, overwrites) => {
      const who = standing(everyone, own, fields);
      const bits = permissionsIn(who, overwrites);
      const blamed = [
        deniedBy(who, overwrites, "View Channel"),
        deniedBy(who, overwrites, "Read Message History"),
      ];
      assert.equal(blamed[0] === undefined, (bits & VIEW) !== 0n);
      if ((bits & VIEW) !== 0n) assert.equal(blamed[1] === undefined, (bits & HISTORY) !== 0n);
      if (mayEverything(who)) assert.deepEqual(blamed, [undefined, undefined]);
    }));
  });

  it("blames only who denies it, and only roles that the member has", () => {
    fc.assert(fc.property(member, overwrites, ({ everyone, own, ...fields }, overwrites) => {
      const who = standing(everyone, own, fields);
      const by = deniedBy(who, overwrites, "View Channel");
      const denies = (id: string) =>
        overwrites.some((one) => String(one.id) === id && (one.deny & VIEW) !== 0n);
      if (by?.kind === "everyone") assert.ok(denies(EVERYONE));
      if (by?.kind === "member") assert.ok(denies(BOT));
      if (by?.kind === "roles") {
        assert.ok(by.ids.length > 0);
        assert.ok(by.ids.every((id) => who.memberRoles.includes(id) && denies(id)));
      }
    }));
  });
});
