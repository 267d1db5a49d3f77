import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoleId, UserId } from "../../../src/core/discord/ids.ts";
import {
  type GuildFacts,
  mayAllRead,
  type MemberFacts,
  membersInQuestion,
  missingRight,
  type Permission,
  PERMISSIONS,
  type ReadPlace,
} from "../../../src/core/rights/rights.ts";
import { guildId, roleId, userId } from "../../support/discord/builders.ts";

const GUILD = guildId("100");
const EVERYONE = roleId("100");
const CREW = roleId("200");
const STAFF = roleId("300");
const MUTED = roleId("400");
const ROLES = [CREW, STAFF, MUTED];
const OWNER = userId("900");
const ADA = userId("901");
const BOB = userId("902");
const NOW = 1_000_000;

const VIEW = PERMISSIONS["View Channel"];
const READ = PERMISSIONS["Read Message History"];
const CONNECT = PERMISSIONS["Connect"];
const BOTH = VIEW | READ;
const ADMINISTRATOR = 1n << 3n;

const role = (id: RoleId, permissions: bigint) => ({
  id,
  permissions,
  name: "",
  position: 0,
  isManaged: false,
});

/** A guild whose members read everything, unless an overwrite closes it. */
function guildOf(everyone = BOTH, crew = 0n, staff = 0n, muted = 0n): GuildFacts {
  return {
    guildId: GUILD,
    ownerId: OWNER,
    roles: [role(EVERYONE, everyone), role(CREW, crew), role(STAFF, staff), role(MUTED, muted)],
  };
}

type Who = RoleId | UserId;
const allow = (id: Who, bits = VIEW) => ({ id: id as RoleId, allow: bits, deny: 0n });
const deny = (id: Who, bits = VIEW) => ({ id: id as RoleId, allow: 0n, deny: bits });
const place = (...overwrites: ReadPlace["overwrites"]): ReadPlace => ({
  overwrites,
  isVoice: false,
});
const member = (userId: UserId, ...roles: readonly RoleId[]): MemberFacts => ({ userId, roles });

const OPEN = place();
const STAFF_ONLY = place(deny(EVERYONE), allow(STAFF));
const CREW_ONLY = place(deny(EVERYONE), allow(CREW));

function isOpen(
  from: ReadPlace,
  to: ReadPlace,
  guild = guildOf(),
  members: readonly MemberFacts[] = [],
): boolean {
  const known = new Map<UserId, MemberFacts | undefined>(members.map((one) => [one.userId, one]));
  for (const id of membersInQuestion(guild, from, to)) if (!known.has(id)) known.set(id, undefined);
  return mayAllRead(guild, from, to, known, NOW);
}

describe("[T4] mayAllRead()", () => {
  // The answer is in the first channel, the message in the second one.
  const matrix: readonly (readonly [string, ReadPlace, ReadPlace, boolean, GuildFacts?])[] = [
    ["an open channel, from an open one", OPEN, OPEN, true],
    ["a staff channel, from an open one", OPEN, STAFF_ONLY, false],
    ["an open channel, from a staff one", STAFF_ONLY, OPEN, true],
    ["a staff channel, from the same", STAFF_ONLY, STAFF_ONLY, true],
    ["a staff channel, from one of another role", CREW_ONLY, STAFF_ONLY, false],
    ["of both roles, from one", CREW_ONLY, place(deny(EVERYONE), allow(CREW), allow(STAFF)), true],
    ["of one role, from both", place(deny(EVERYONE), allow(CREW), allow(STAFF)), CREW_ONLY, false],
    ["a channel that a role may not see", OPEN, place(deny(MUTED)), false],
    ["the same, from where that role may not look", place(deny(MUTED)), place(deny(MUTED)), true],
    [
      "the same, from where that role sees by another one",
      place(deny(MUTED), allow(CREW)),
      place(deny(MUTED)),
      false,
    ],
    ["a channel without its history", OPEN, place(deny(EVERYONE, READ)), false],
    ["a history that a role reads", OPEN, place(deny(EVERYONE, READ), allow(CREW, READ)), false],
    ["a voice channel that people may not enter", OPEN, { ...OPEN, isVoice: true }, false],
    ["a voice channel of all", OPEN, { ...OPEN, isVoice: true }, true, guildOf(BOTH | CONNECT)],
    [
      "a channel of the role that may enter a voice channel, from there",
      { ...place(deny(EVERYONE, CONNECT), allow(CREW, CONNECT)), isVoice: true },
      CREW_ONLY,
      true,
    ],
    [
      "a channel of another role, from there",
      { ...place(deny(EVERYONE, CONNECT), allow(CREW, CONNECT)), isVoice: true },
      STAFF_ONLY,
      false,
    ],
    ["a channel of a role with rights in the server", CREW_ONLY, OPEN, false, guildOf(0n, VIEW)],
    ["the same with the history", CREW_ONLY, OPEN, true, guildOf(0n, BOTH)],
    [
      "a channel of administrators",
      place(deny(EVERYONE), allow(STAFF)),
      place(deny(EVERYONE)),
      true,
      guildOf(BOTH, 0n, ADMINISTRATOR),
    ],
    ["a channel without the role of another bot", CREW_ONLY, STAFF_ONLY, true, {
      ...guildOf(),
      roles: [role(EVERYONE, BOTH), { ...role(CREW, 0n), isOfBot: true }, role(STAFF, 0n)],
    }],
    ["none, if the server's roles are unknown", OPEN, OPEN, false, { ...guildOf(), roles: [] }],
  ];
  for (const [title, from, to, expected, guild] of matrix) {
    it(`${expected ? "opens" : "closes"} ${title}`, () => {
      assert.equal(isOpen(from, to, guild), expected);
    });
  }

  it("looks at people with overwrites of their own", () => {
    const guest = place(deny(EVERYONE), allow(STAFF), allow(ADA));
    assert.deepEqual(membersInQuestion(guildOf(), guest, STAFF_ONLY), [ADA]);
    const same = place(deny(EVERYONE, BOTH), allow(ADA, BOTH));
    const other = { ...same, overwrites: [...same.overwrites] };
    assert.deepEqual(membersInQuestion(guildOf(), same, other), [], "their overwrite says it");
    assert.equal(isOpen(same, other), true);
    assert.equal(isOpen(guest, STAFF_ONLY, guildOf(), [member(ADA)]), false);
    assert.equal(isOpen(guest, STAFF_ONLY, guildOf(), [member(ADA, STAFF)]), true);
    assert.equal(isOpen(guest, STAFF_ONLY, guildOf(), []), true, "she has left the server");
    assert.equal(isOpen(OPEN, place(deny(BOB)), guildOf(), [member(BOB)]), false);
    assert.equal(isOpen(STAFF_ONLY, place(deny(BOB)), guildOf(), [member(BOB)]), true);
  });

  it("is closed if a person in question is not known", () => {
    assert.equal(mayAllRead(guildOf(), OPEN, place(deny(BOB)), new Map(), NOW), false);
  });

  const bits = fc.constantFrom(0n, VIEW, READ, BOTH, BOTH | CONNECT, ADMINISTRATOR);
  const some = fc.constantFrom(0n, VIEW, READ, BOTH, CONNECT);
  const who = fc.constantFrom<Who>(EVERYONE, CREW, STAFF, MUTED, ADA, BOB);
  const overwrites = fc.uniqueArray(
    fc.record({ id: who, allow: some, deny: some }).map((it) => ({ ...it, id: it.id as RoleId })),
    { selector: ({ id }) => id, maxLength: 5 },
  );
  const places = fc.record({ overwrites, isVoice: fc.boolean() });
  const subsets = Array.from(
    { length: 1 << ROLES.length },
    (_, mask) => ROLES.filter((_, at) => (mask >> at) & 1),
  );

  it("is true exactly if no member sees the answer and lacks its source (law)", () => {
    fc.assert(
      fc.property(
        fc.tuple(bits, bits, bits, bits),
        places,
        places,
        fc.subarray(ROLES),
        fc.subarray(ROLES),
        (roles, from, to, ofAda, ofBob) => {
          const guild = guildOf(...roles);
          const people = [member(ADA, ...ofAda), member(BOB, ...ofBob)];
          // Anyone without an overwrite of their own, with any roles.
          const others = subsets.map((one) => member(userId("903"), ...one));
          const enters: readonly Permission[] = from.isVoice ? ["Connect"] : [];
          const sees = (one: MemberFacts) =>
            missingRight(guild, one, from, enters, NOW) === undefined;
          const needs: readonly Permission[] = ["Read Message History"];
          const reads = (one: MemberFacts) =>
            missingRight(guild, one, to, needs, NOW) === undefined;
          const isLaw = [...people, ...others].every((one) => !sees(one) || reads(one));
          const found = isOpen(from, to, guild, people);
          if (from.isVoice) assert.ok(!found || isLaw, "no reader lacks it");
          else assert.equal(found, isLaw);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
