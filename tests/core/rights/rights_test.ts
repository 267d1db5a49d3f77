import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoleId, UserId } from "../../../src/core/discord/ids.ts";
import {
  describeMissing,
  type GuildFacts,
  type MemberFacts,
  missingRight,
  type Need,
  outranks,
  type Permission,
  PERMISSIONS,
  type PlaceFacts,
} from "../../../src/core/rights/rights.ts";
import { guildId, roleId, userId } from "../../support/discord/builders.ts";

const GUILD = guildId("100");
const EVERYONE = roleId("100");
const CREW = roleId("200");
const MATE = roleId("300");
const CAPTAIN = roleId("400");
const BOT_ROLE = roleId("500");
const TWIN = roleId("301"); // as high as MATE, and younger
const OWNER = userId("900");
const ASKER = userId("901");
const OTHER = userId("902");
const NOW = 1_000_000;

const bit = (permission: Permission) => PERMISSIONS[permission];
const bits = (...names: readonly Permission[]) => names.reduce((sum, one) => sum | bit(one), 0n);
const ADMINISTRATOR = 1n << 3n;
const COMMON = bits(
  "View Channel",
  "Send Messages",
  "Send Messages in Threads",
  "Read Message History",
  "Add Reactions",
  "Create Public Threads",
  "Connect",
);

const role = (id: RoleId, position: number, permissions = 0n, isManaged = false) => ({
  id,
  position,
  permissions,
  isManaged,
  name: `role ${id}`,
});

/** A guild in which `CREW` has some permissions, and everyone the common ones. */
function guildOf(crew = 0n, everyone = COMMON): GuildFacts {
  return {
    guildId: GUILD,
    ownerId: OWNER,
    roles: [
      role(EVERYONE, 0, everyone),
      role(CREW, 1, crew),
      role(MATE, 2),
      role(TWIN, 2),
      role(CAPTAIN, 3, ADMINISTRATOR),
      role(BOT_ROLE, 1, 0n, true),
    ],
  };
}

const member = (userId: UserId, roles: readonly RoleId[] = [], timedOutUntil?: number) => ({
  userId,
  roles,
  ...(timedOutUntil !== undefined && { timedOutUntil }),
});
const asker = member(ASKER, [CREW]);
const timedOut = member(ASKER, [CREW], NOW + 1);
const channel: PlaceFacts = { overwrites: [] };
const denying = (id: RoleId | UserId, deny: bigint): PlaceFacts => ({
  overwrites: [{ id, allow: 0n, deny }],
});
const allowing = (id: RoleId | UserId, allow: bigint): PlaceFacts => ({
  overwrites: [{ id, allow, deny: 0n }],
});
const thread = (
  fields: Partial<NonNullable<PlaceFacts["thread"]>> = {},
  overwrites: PlaceFacts["overwrites"] = [],
): PlaceFacts => ({
  overwrites,
  thread: { isPrivate: false, isLocked: false, hasMember: false, ...fields },
});
const over = (other: MemberFacts): Need => ({ kind: "outranks", member: other });
const give = (roleId: RoleId): Need => ({ kind: "above_role", roleId });
const rank = (roleId: RoleId): Need => ({ kind: "over_role", roleId });
const hold = (bits: bigint): Need => ({ kind: "holds", bits });
const inGuild = (permission: Permission): Need => ({ kind: "in_guild", permission });
const timeOut = (member: MemberFacts): Need => ({ kind: "can_time_out", member });
const posted = (userId?: UserId): Need => ({ kind: "posted_for", ...(userId && { userId }) });
const any = (...of: readonly Permission[]): Need => ({ kind: "any", of });

interface Case {
  readonly guild?: GuildFacts;
  readonly who?: MemberFacts | undefined;
  readonly place?: PlaceFacts;
  readonly needs: readonly Need[];
  readonly missing?: RegExp;
}

const RANK = /highest role is not above/;
const ROLE = /role is not below their highest/;
const lacks = (permission: Permission) => new RegExp(`lack the permission ${permission}$`);

/** One row for each rule: the facts, and the right that is missing. */
const MATRIX: Readonly<Record<string, Case>> = {
  // permissions
  "a common permission": { place: channel, needs: ["Send Messages"] },
  "a permission that no role grants": { needs: ["Kick Members"], missing: lacks("Kick Members") },
  "a permission of a role": { guild: guildOf(bit("Kick Members")), needs: ["Kick Members"] },
  "a role that the member does not have": {
    guild: guildOf(bit("Kick Members")),
    who: member(ASKER),
    needs: ["Kick Members"],
    missing: lacks("Kick Members"),
  },
  "an administrator": { who: member(ASKER, [CAPTAIN]), needs: ["Ban Members", "Manage Roles"] },
  "an administrator in a channel that denies all": {
    who: member(ASKER, [CAPTAIN]),
    place: denying(ASKER, ~0n),
    needs: ["Send Messages"],
  },
  "the owner": { who: member(OWNER), place: denying(OWNER, ~0n), needs: ["Manage Channels"] },
  "a user who is no member": { needs: [], missing: /not a member/, who: undefined },
  "pins, with Manage Messages alone": {
    guild: guildOf(bit("Manage Messages")),
    place: channel,
    needs: ["Pin Messages"],
    missing: lacks("Pin Messages"),
  },
  "pins": { guild: guildOf(bit("Pin Messages")), place: channel, needs: ["Pin Messages"] },
  "new emojis, with Manage Expressions alone": {
    guild: guildOf(bit("Manage Expressions")),
    needs: ["Create Expressions"],
    missing: lacks("Create Expressions"),
  },
  "new emojis": { guild: guildOf(bit("Create Expressions")), needs: ["Create Expressions"] },
  "events, with Manage Events alone": {
    guild: guildOf(bit("Manage Events")),
    needs: ["Create Events"],
    missing: lacks("Create Events"),
  },
  "events": { guild: guildOf(bit("Create Events")), needs: ["Create Events"] },
  "polls without the permission": {
    place: channel,
    needs: ["Send Messages", "Create Polls"],
    missing: lacks("Create Polls"),
  },
  "one of two permissions": {
    guild: guildOf(bit("Manage Events")),
    needs: [any("Create Events", "Manage Events")],
  },
  "none of two permissions": {
    needs: [any("Create Events", "Manage Events")],
    missing: /Create Events or Manage Events/,
  },
  // overwrites
  "a channel that denies everyone": {
    place: denying(EVERYONE, bit("Send Messages")),
    needs: ["Send Messages"],
    missing: lacks("Send Messages"),
  },
  "a channel that denies a role": {
    place: denying(CREW, bit("Send Messages")),
    needs: ["Send Messages"],
    missing: lacks("Send Messages"),
  },
  "a channel that denies another role": {
    place: denying(MATE, bit("Send Messages")),
    needs: ["Send Messages"],
  },
  "a channel that denies the member": {
    place: denying(ASKER, bit("Send Messages")),
    needs: ["Send Messages"],
    missing: lacks("Send Messages"),
  },
  "a channel that allows the member alone": {
    place: {
      overwrites: [
        { id: EVERYONE, allow: 0n, deny: bit("Send Messages") },
        { id: ASKER, allow: bit("Send Messages"), deny: 0n },
      ],
    },
    needs: ["Send Messages"],
  },
  "a channel that allows one of two roles": {
    who: member(ASKER, [CREW, MATE]),
    place: {
      overwrites: [
        { id: CREW, allow: 0n, deny: bit("Pin Messages") },
        { id: MATE, allow: bit("Pin Messages"), deny: 0n },
      ],
    },
    needs: ["Pin Messages"],
  },
  "a hidden channel": {
    place: denying(EVERYONE, bit("View Channel")),
    needs: [],
    missing: lacks("View Channel"),
  },
  "a hidden channel in which a role may write": {
    place: {
      overwrites: [{ id: EVERYONE, allow: bit("Send Messages"), deny: bit("View Channel") }],
    },
    needs: ["Send Messages"],
    missing: lacks("View Channel"),
  },
  "a permission that only the channel gives": {
    place: allowing(CREW, bit("Manage Channels")),
    needs: ["Manage Channels"],
  },
  "a permission that only the channel gives, for the whole guild": {
    place: allowing(CREW, bit("Manage Channels")),
    needs: [inGuild("Manage Channels")],
    missing: lacks("Manage Channels"),
  },
  "a permission of the guild in a channel that denies it": {
    guild: guildOf(bit("Manage Channels")),
    place: denying(CREW, bit("Manage Channels")),
    needs: [inGuild("Manage Channels")],
  },
  // threads
  "a public thread": { place: thread(), needs: ["Send Messages"] },
  "a public thread, without Send Messages in the channel": {
    place: thread({}, denying(CREW, bit("Send Messages")).overwrites),
    needs: ["Send Messages"],
  },
  "a public thread, without Send Messages in Threads": {
    place: thread({}, denying(CREW, bit("Send Messages in Threads")).overwrites),
    needs: ["Send Messages"],
    missing: lacks("Send Messages in Threads"),
  },
  "a thread of a hidden channel": {
    place: thread({ hasMember: true }, denying(CREW, bit("View Channel")).overwrites),
    needs: [],
    missing: lacks("View Channel"),
  },
  "a private thread of others": {
    place: thread({ isPrivate: true }),
    needs: [],
    missing: lacks("Manage Threads"),
  },
  "a private thread with the member": {
    place: thread({ isPrivate: true, hasMember: true }),
    needs: ["Send Messages"],
  },
  "a private thread, as a person who manages threads": {
    guild: guildOf(bit("Manage Threads")),
    place: thread({ isPrivate: true }),
    needs: ["Read Message History"],
  },
  "a locked thread": { place: thread({ isLocked: true }), needs: ["Read Message History"] },
  "a locked thread, to write": {
    place: thread({ isLocked: true }),
    needs: ["Send Messages"],
    missing: lacks("Manage Threads"),
  },
  "a locked thread, to react": {
    place: thread({ isLocked: true }),
    needs: ["Add Reactions"],
    missing: lacks("Manage Threads"),
  },
  "a locked thread, as a person who manages threads": {
    guild: guildOf(bit("Manage Threads")),
    place: thread({ isLocked: true }),
    needs: ["Send Messages"],
  },
  // slow mode and voice
  "slow mode": {
    place: { ...channel, hasSlowmode: true },
    needs: ["Send Messages"],
    missing: lacks("Bypass Slowmode"),
  },
  "slow mode, to read": { place: { ...channel, hasSlowmode: true }, needs: ["Add Reactions"] },
  "slow mode, with Manage Messages alone": {
    guild: guildOf(bits("Manage Messages", "Manage Channels")),
    place: { ...channel, hasSlowmode: true },
    needs: ["Send Messages"],
    missing: lacks("Bypass Slowmode"),
  },
  "slow mode, with Bypass Slowmode": {
    guild: guildOf(bit("Bypass Slowmode")),
    place: { ...channel, hasSlowmode: true },
    needs: ["Send Messages"],
  },
  "a voice channel without Connect": {
    guild: guildOf(bit("Manage Channels")),
    place: { ...denying(CREW, bit("Connect")), isVoice: true },
    needs: ["Manage Channels"],
    missing: lacks("Connect"),
  },
  "a voice channel without Connect, to see it": {
    place: { ...denying(CREW, bit("Connect")), isVoice: true },
    needs: [],
  },
  // timeouts
  "a timeout, to write": {
    who: timedOut,
    place: channel,
    needs: ["Send Messages"],
    missing: /timed out/,
  },
  "a timeout, to read": { who: timedOut, place: channel, needs: ["Read Message History"] },
  "a past timeout": { who: member(ASKER, [CREW], NOW), place: channel, needs: ["Send Messages"] },
  "a timeout, for the whole guild": {
    guild: guildOf(bit("Kick Members")),
    who: timedOut,
    needs: ["Kick Members"],
    missing: /timed out/,
  },
  "a timeout, to react": {
    who: timedOut,
    place: channel,
    needs: ["Read Message History", "Add Reactions"],
    missing: /timed out/,
  },
  "a timeout, in a hidden channel": {
    who: timedOut,
    place: denying(EVERYONE, bit("View Channel")),
    needs: ["Read Message History"],
    missing: lacks("View Channel"),
  },
  "a timeout, for giving permissions": {
    guild: guildOf(bit("Manage Messages")),
    who: timedOut,
    place: channel,
    needs: [hold(bit("Manage Messages"))],
    missing: /only permissions that they have/,
  },
  "a timeout, for a poll of their own": { who: timedOut, place: channel, needs: [posted(ASKER)] },
  "a timeout of an administrator": {
    who: member(ASKER, [CAPTAIN], NOW + 1),
    place: channel,
    needs: ["Manage Messages"],
  },
  "to time out a lower member": {
    who: member(ASKER, [MATE]),
    needs: [timeOut(member(OTHER, [CREW]))],
  },
  "to time out an equal member": { needs: [timeOut(member(OTHER, [CREW]))], missing: RANK },
  "to time out an administrator": {
    who: member(OWNER),
    needs: [timeOut(member(OTHER, [CAPTAIN]))],
    missing: /an administrator cannot be timed out/,
  },
  "a timeout of the owner": { who: member(OWNER, [], NOW + 1), needs: ["Kick Members"] },
  // role order
  "a member without roles": { needs: [over(member(OTHER))] },
  "a member of the same role": { needs: [over(member(OTHER, [CREW]))], missing: RANK },
  "a higher member": { needs: [over(member(OTHER, [MATE]))], missing: RANK },
  "a lower member": { who: member(ASKER, [MATE]), needs: [over(member(OTHER, [CREW]))] },
  "the highest of several roles": {
    who: member(ASKER, [CREW, CAPTAIN]),
    needs: [over(member(OTHER, [MATE, CREW]))],
  },
  "two members without roles": { who: member(ASKER), needs: [over(member(OTHER))], missing: RANK },
  "the owner as the target, for an administrator": {
    who: member(ASKER, [CAPTAIN]),
    needs: [over(member(OWNER))],
    missing: RANK,
  },
  "an owner over an administrator": { who: member(OWNER), needs: [over(member(OTHER, [CAPTAIN]))] },
  "oneself": { who: member(OWNER), needs: [over(member(OWNER))], missing: RANK },
  "of two roles at one position, the older": {
    who: member(ASKER, [MATE]),
    needs: [over(member(OTHER, [TWIN]))],
  },
  "of two roles at one position, the younger": {
    who: member(ASKER, [TWIN]),
    needs: [over(member(OTHER, [MATE]))],
    missing: RANK,
  },
  "a lower role": { who: member(ASKER, [MATE]), needs: [give(CREW)] },
  "one's own highest role": { needs: [give(CREW)], missing: ROLE },
  "a higher role, for an administrator": {
    guild: {
      ...guildOf(ADMINISTRATOR),
      roles: [...guildOf(ADMINISTRATOR).roles, role(roleId("600"), 9)],
    },
    needs: [give(roleId("600"))],
    missing: ROLE,
  },
  "any role, for the owner": { who: member(OWNER), needs: [give(CAPTAIN)] },
  "a managed role, for the owner": {
    who: member(OWNER),
    needs: [give(BOT_ROLE)],
    missing: /an integration manages that role/,
  },
  "@everyone": { who: member(OWNER), needs: [give(EVERYONE)], missing: /@everyone/ },
  "another's role": { who: member(OWNER), needs: [give(roleId("999"))], missing: /no such role/ },
  "an overwrite for @everyone": { needs: [rank(EVERYONE)] },
  "an overwrite for a higher role": { needs: [rank(MATE)], missing: ROLE },
  "an overwrite for a lower bot role": { who: member(ASKER, [MATE]), needs: [rank(BOT_ROLE)] },
  "another person's poll": { needs: [posted(OTHER)], missing: /posted it for another person/ },
  "a poll of no known person": { needs: [posted()], missing: /posted it for another person/ },
  "a private thread whose channel takes Manage Threads away": {
    guild: guildOf(bit("Manage Threads")),
    place: thread({ isPrivate: true }, denying(CREW, bit("Manage Threads")).overwrites),
    needs: [],
    missing: lacks("Manage Threads"),
  },
  "the history of a voice channel without Connect": {
    place: { ...denying(EVERYONE, bit("Connect")), isVoice: true },
    needs: ["Read Message History"],
    missing: lacks("Connect"),
  },
  "a new thread in slow mode": {
    place: { ...channel, hasSlowmode: true },
    needs: ["Create Public Threads"],
    missing: lacks("Bypass Slowmode"),
  },
  // permissions that an overwrite gives
  "bits that the member has": { place: channel, needs: [hold(bits("Send Messages"))] },
  "bits that the member lacks": {
    place: channel,
    needs: [hold(bits("Ban Members"))],
    missing: /only permissions that they have/,
  },
  "bits that the channel denies the member": {
    place: denying(CREW, bit("Send Messages")),
    needs: [hold(bits("Send Messages"))],
    missing: /only permissions that they have/,
  },
  "any bits, for an administrator": {
    who: member(ASKER, [CAPTAIN]),
    place: channel,
    needs: [hold(~0n & ((1n << 53n) - 1n))],
  },
};

describe("[T4] [SEC-R17] missingRight()", () => {
  it("has a matrix of at least 80 cases", () => {
    assert.ok(Object.keys(MATRIX).length >= 80, `${Object.keys(MATRIX).length}`);
  });

  for (const [name, row] of Object.entries(MATRIX)) {
    it(`${row.missing ? "refuses" : "permits"} › ${name}`, () => {
      const who = "who" in row ? row.who : asker;
      const missing = missingRight(row.guild ?? guildOf(), who, row.place, row.needs, NOW);
      if (!row.missing) return assert.equal(missing, undefined);
      assert.match(missing ? describeMissing(missing, "asker") : "permitted", row.missing);
    });
  }

  /** An administrator has all others, which {@link bitsByHand} does not count. */
  const names = (Object.keys(PERMISSIONS) as Permission[]).filter((name) =>
    name !== "Administrator"
  );
  const anyBits = fc.subarray(names).map((subset) => bits(...subset));
  const overwrite = fc.record({
    id: fc.constantFrom<RoleId | UserId>(EVERYONE, CREW, MATE, ASKER),
    allow: anyBits,
    deny: anyBits,
  });
  const world = fc.record({
    crew: anyBits,
    everyone: anyBits,
    roles: fc.subarray([CREW, MATE, BOT_ROLE]),
    overwrites: fc.uniqueArray(overwrite, { selector: ({ id }) => id }),
    thread: fc.option(
      fc.record({ isPrivate: fc.boolean(), isLocked: fc.boolean(), hasMember: fc.boolean() }),
      { nil: undefined },
    ),
    isVoice: fc.boolean(),
    hasSlowmode: fc.boolean(),
    isTimedOut: fc.boolean(),
    needs: fc.subarray(names),
  });

  it("permits nothing that the bits of the channel do not give", () => {
    fc.assert(fc.property(world, (given) => {
      const { crew, everyone, roles, overwrites, thread, isVoice, hasSlowmode } = given;
      const guild = guildOf(crew, everyone);
      const who = member(ASKER, roles, given.isTimedOut ? NOW + 1 : undefined);
      const place = { overwrites, isVoice, hasSlowmode, ...(thread && { thread }) };
      if (missingRight(guild, who, place, given.needs, NOW) !== undefined) return;
      const held = bitsByHand(guild, who, overwrites);
      assert.ok(held & bit("View Channel"));
      if (thread?.isPrivate && !thread.hasMember) assert.ok(held & bit("Manage Threads"));
      for (const need of given.needs) {
        const own = thread && need === "Send Messages" ? "Send Messages in Threads" : need;
        assert.ok(held & bit(own), own);
        if (need === "Send Messages" && hasSlowmode) assert.ok(held & bit("Bypass Slowmode"));
        if (need === "Send Messages" && thread?.isLocked) assert.ok(held & bit("Manage Threads"));
        if (given.isTimedOut) assert.ok(["View Channel", "Read Message History"].includes(need));
      }
    }));
  });

  it("ranks members in a strict order", () => {
    const someone = fc.record({
      userId: fc.constantFrom(OWNER, ASKER, OTHER),
      roles: fc.subarray([CREW, MATE, TWIN, CAPTAIN, BOT_ROLE]),
    });
    fc.assert(fc.property(someone, someone, someone, (a, b, c) => {
      const guild = guildOf();
      if (outranks(guild, a, b)) assert.ok(!outranks(guild, b, a));
      const areThree = new Set([a.userId, b.userId, c.userId]).size === 3;
      if (areThree && outranks(guild, a, b) && outranks(guild, b, c)) {
        assert.ok(outranks(guild, a, c));
      }
    }));
  });
});

/** Discord's computation, written a second time, straight from its documentation. */
function bitsByHand(
  { roles }: GuildFacts,
  who: MemberFacts,
  overwrites: PlaceFacts["overwrites"],
): bigint {
  const own = roles.filter(({ id }) => id === EVERYONE || who.roles.includes(id));
  let sum = own.reduce((all, { permissions }) => all | permissions, 0n);
  const of = (...ids: readonly string[]) => overwrites.filter(({ id }) => ids.includes(id));
  for (const group of [of(EVERYONE), of(...who.roles), of(who.userId)]) {
    for (const { deny } of group) sum &= ~deny;
    for (const { allow } of group) sum |= allow;
  }
  return sum;
}

it("[T4] describeMissing() › names the bot or the asker", () => {
  const missing = { kind: "permission", permissions: ["Pin Messages"] } as const;
  assert.equal(describeMissing(missing, "bot"), "the bot lacks the permission Pin Messages");
  assert.equal(describeMissing(missing, "asker"), "they lack the permission Pin Messages");
  assert.equal(
    describeMissing({ kind: "role_rank" }, "bot"),
    "that role is not below its highest role",
  );
});
