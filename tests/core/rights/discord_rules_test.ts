/**
 * A second matrix of Discord's documented rules for permissions: overwrites, threads, kinds of
 * channels, timeouts, ranks, and the permissions that were split in 2026.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions}
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoleId, UserId } from "../../../src/core/discord/ids.ts";
import {
  describeMissing,
  type MemberFacts,
  missingRight,
  type Need,
  type Permission,
  PERMISSIONS,
  type PlaceFacts,
} from "../../../src/core/rights/rights.ts";
import { guildId, roleId, userId } from "../../support/discord/builders.ts";

const GUILD = guildId("100");
const EVERYONE = roleId("100");
const [LOW, MID, HIGH] = [roleId("201"), roleId("202"), roleId("203")];
const TWIN = roleId("204"); // as high as MID, and younger
const ADMIN = roleId("205");
const MANAGED = roleId("206");
const OWNER = userId("900");
const ME = userId("901");
const OTHER = userId("902");
const NOW = 1_000_000;

const bitsOf = (...names: readonly Permission[]) =>
  names.reduce((sum, name) => sum | PERMISSIONS[name], 0n);
const TALK = bitsOf(
  "View Channel",
  "Send Messages",
  "Send Messages in Threads",
  "Read Message History",
  "Add Reactions",
  "Connect",
);

interface Setting {
  /** Roles of the asker; by default {@link MID} alone. */
  readonly roles?: readonly RoleId[];
  readonly who?: UserId | undefined;
  readonly isNoMember?: true;
  readonly timedOut?: number;
  /** Permissions of {@link MID} beside those of everyone. */
  readonly mid?: readonly Permission[];
  /** Permissions of {@link LOW}. */
  readonly low?: readonly Permission[];
  /** Permissions of everyone; {@link TALK} by default. */
  readonly everyone?: readonly Permission[];
  /** The place; `undefined`: the whole guild. */
  readonly place?: PlaceFacts;
  readonly needs: readonly Need[];
}

function missingIn(
  { roles = [MID], who = ME, isNoMember, timedOut, mid = [], low = [], everyone, place, needs }:
    Setting,
): string | undefined {
  const role = (id: RoleId, position: number, permissions = 0n, isManaged = false) => ({
    id,
    name: id,
    position,
    permissions,
    isManaged,
  });
  const guild = {
    guildId: GUILD,
    ownerId: OWNER,
    roles: [
      role(EVERYONE, 0, everyone ? bitsOf(...everyone) : TALK),
      role(LOW, 1, bitsOf(...low)),
      role(MID, 2, bitsOf(...mid)),
      role(TWIN, 2),
      role(HIGH, 3),
      role(ADMIN, 4, 1n << 3n),
      role(MANAGED, 1, 0n, true),
    ],
  };
  const member: MemberFacts = {
    userId: who,
    roles,
    ...(timedOut !== undefined && { timedOutUntil: timedOut }),
  };
  const missing = missingRight(guild, isNoMember ? undefined : member, place, needs, NOW);
  return missing && describeMissing(missing, "reader");
}

const lacks = (permission: Permission) => `you lack the permission ${permission}`;
const RANK = "your highest role is not above that of the other member";
const ROLE = "that role is not below your highest role";
const TIMED = "you are timed out";

type Over = readonly [
  id: RoleId | UserId,
  allow: readonly Permission[],
  deny: readonly Permission[],
];
const channel = (overwrites: readonly Over[] = [], more: Partial<PlaceFacts> = {}): PlaceFacts => ({
  overwrites: overwrites.map(([id, allow, deny]) => ({
    id,
    allow: bitsOf(...allow),
    deny: bitsOf(...deny),
  })),
  ...more,
});
const thread = (
  more: Partial<NonNullable<PlaceFacts["thread"]>> = {},
  overwrites: readonly Over[] = [],
  place: Partial<PlaceFacts> = {},
): PlaceFacts =>
  channel(overwrites, {
    ...place,
    thread: { isPrivate: false, isLocked: false, hasMember: false, ...more },
  });
const PRIVATE = { isPrivate: true };
const LOCKED = { isLocked: true };
const voice = (overwrites: readonly Over[] = []) => channel(overwrites, { isVoice: true });
const slow = (overwrites: readonly Over[] = []) => channel(overwrites, { hasSlowmode: true });
const over = (id: UserId, roles: readonly RoleId[]): Need => ({
  kind: "outranks",
  member: { userId: id, roles },
});
const timeOut = (id: UserId, roles: readonly RoleId[]): Need => ({
  kind: "can_time_out",
  member: { userId: id, roles },
});
const give = (id: RoleId): Need => ({ kind: "above_role", roleId: id });
const edit = (id: RoleId): Need => ({ kind: "over_role", roleId: id });
const server = (permission: Permission): Need => ({ kind: "in_guild", permission });

const MATRIX: Readonly<Record<string, readonly [Setting, string?]>> = {
  // overwrites, in Discord's order: everyone, roles together, member
  "everyone denied": [
    { place: channel([[EVERYONE, [], ["Send Messages"]]]), needs: ["Send Messages"] },
    lacks("Send Messages"),
  ],
  "everyone denied, role allowed": [{
    place: channel([[EVERYONE, [], ["Send Messages"]], [MID, ["Send Messages"], []]]),
    needs: ["Send Messages"],
  }],
  "everyone denied, role allowed, member denied": [{
    place: channel([
      [EVERYONE, [], ["Send Messages"]],
      [MID, ["Send Messages"], []],
      [ME, [], ["Send Messages"]],
    ]),
    needs: ["Send Messages"],
  }, lacks("Send Messages")],
  "the same overwrites in another order": [{
    place: channel([
      [ME, [], ["Send Messages"]],
      [MID, ["Send Messages"], []],
      [EVERYONE, [], ["Send Messages"]],
    ]),
    needs: ["Send Messages"],
  }, lacks("Send Messages")],
  "everyone allowed, role denied": [{
    place: channel([[EVERYONE, ["Pin Messages"], []], [MID, [], ["Pin Messages"]]]),
    needs: ["Pin Messages"],
  }, lacks("Pin Messages")],
  "one role denied, another allowed": [{
    roles: [LOW, HIGH],
    place: channel([[HIGH, [], ["Pin Messages"]], [LOW, ["Pin Messages"], []]]),
    needs: ["Pin Messages"],
  }],
  "one role allows and denies another bit": [{
    place: channel([[MID, ["Pin Messages"], ["Send Messages"]]]),
    needs: ["Pin Messages"],
  }],
  "role denied, member allowed": [{
    place: channel([[MID, [], ["Send Messages"]], [ME, ["Send Messages"], []]]),
    needs: ["Send Messages"],
  }],
  "another member's denial": [{
    place: channel([[OTHER, [], ["Send Messages"]]]),
    needs: ["Send Messages"],
  }],
  "a denial for a role that the member lacks": [{
    place: channel([[HIGH, [], ["Send Messages"]]]),
    needs: ["Send Messages"],
  }],
  "an allowance for a role that the member lacks": [{
    place: channel([[HIGH, ["Manage Messages"], []]]),
    needs: ["Manage Messages"],
  }, lacks("Manage Messages")],
  "a channel that is synced with its category has the category's overwrites itself": [{
    place: channel([[EVERYONE, [], ["View Channel"]], [LOW, ["View Channel"], []]]),
    needs: [],
  }, lacks("View Channel")],
  "the same for a member of the allowed role": [{
    roles: [LOW],
    place: channel([[EVERYONE, [], ["View Channel"]], [LOW, ["View Channel"], []]]),
    needs: ["Send Messages"],
  }],
  "a hidden channel in which all else is allowed": [{
    place: channel([[EVERYONE, ["Manage Messages", "Pin Messages"], ["View Channel"]]]),
    needs: ["Manage Messages"],
  }, lacks("View Channel")],
  "no permission at all, for the whole guild": [
    { everyone: [], needs: [server("Manage Channels")] },
    lacks("Manage Channels"),
  ],
  "a channel that allows a permission no role has": [{
    everyone: ["View Channel"],
    place: channel([[ME, ["Manage Channels"], []]]),
    needs: ["Manage Channels"],
  }],
  "the same permission on the server": [{
    everyone: ["View Channel"],
    place: channel([[ME, ["Manage Channels"], []]]),
    needs: [server("Manage Channels")],
  }, lacks("Manage Channels")],
  "a lower right": [{ roles: [LOW, MID], low: ["Kick Members"], needs: ["Kick Members"] }],
  // administrators and the owner
  "an administrator in a channel that denies everyone and the member": [{
    roles: [ADMIN],
    place: channel([[EVERYONE, [], ["View Channel"]], [ME, [], ["Send Messages"]]]),
    needs: ["Send Messages", "Manage Channels"],
  }],
  "an administrator over a higher role": [{ roles: [ADMIN], needs: [over(OTHER, [ADMIN])] }, RANK],
  "an administrator and a managed role": [
    { roles: [ADMIN], needs: [give(MANAGED)] },
    "an integration manages that role, so no one can give or take it",
  ],
  "an administrator over a lower member": [{ roles: [ADMIN], needs: [over(OTHER, [HIGH])] }],
  "an administrator over the owner": [{ roles: [ADMIN], needs: [over(OWNER, [])] }, RANK],
  "the owner without roles over an administrator": [
    { who: OWNER, roles: [], needs: [over(OTHER, [ADMIN])] },
  ],
  "the owner over themselves": [{ who: OWNER, roles: [], needs: [over(OWNER, [])] }, RANK],
  "the owner and their highest role": [{ who: OWNER, roles: [], needs: [give(ADMIN)] }],
  "the owner and @everyone": [
    { who: OWNER, roles: [], needs: [give(EVERYONE)] },
    "@everyone is a role that no one can give or take",
  ],
  "the owner in a timeout": [
    { who: OWNER, roles: [], timedOut: NOW + 1, place: channel(), needs: ["Send Messages"] },
  ],
  "an administrator in a timeout": [
    { roles: [ADMIN], timedOut: NOW + 1, place: channel(), needs: ["Manage Messages"] },
  ],
  // timeouts of the asker
  "a timeout, to send": [{ timedOut: NOW + 1, place: channel(), needs: ["Send Messages"] }, TIMED],
  "a timeout, for reading": [
    { timedOut: NOW + 1, place: channel(), needs: ["Read Message History"] },
  ],
  "a timeout, for a reaction": [
    { timedOut: NOW + 1, place: channel(), needs: ["Read Message History", "Add Reactions"] },
    TIMED,
  ],
  "a timeout, for a moderator": [
    { timedOut: NOW + 1, mid: ["Kick Members"], needs: [server("Kick Members")] },
    TIMED,
  ],
  "a timeout, in a hidden channel": [
    {
      timedOut: NOW + 1,
      place: channel([[EVERYONE, [], ["View Channel"]]]),
      needs: ["Read Message History"],
    },
    lacks("View Channel"),
  ],
  "a timeout, for giving permissions": [
    {
      timedOut: NOW + 1,
      mid: ["Manage Messages"],
      place: channel(),
      needs: [{ kind: "holds", bits: bitsOf("Manage Messages") }],
    },
    "you may give and deny only permissions that you have there",
  ],
  "a timeout that ends now": [{ timedOut: NOW, place: channel(), needs: ["Send Messages"] }],
  "a timeout that is over": [{ timedOut: NOW - 1, place: channel(), needs: ["Send Messages"] }],
  "a timeout, for a poll of their own": [
    { timedOut: NOW + 1, place: channel(), needs: [{ kind: "posted_for", userId: ME }] },
  ],
  // targets of a timeout
  "timing out a lower member": [{ needs: [timeOut(OTHER, [LOW])] }],
  "timing out an administrator below": [
    { who: OWNER, roles: [], needs: [timeOut(OTHER, [ADMIN])] },
    "an administrator cannot be timed out",
  ],
  "timing out an equal member": [{ needs: [timeOut(OTHER, [MID])] }, RANK],
  "timing out the owner": [{ roles: [ADMIN], needs: [timeOut(OWNER, [])] }, RANK],
  // threads
  "a public thread of a visible channel": [{ place: thread(), needs: ["Send Messages"] }],
  "a thread of a channel where only sending is denied": [
    { place: thread({}, [[EVERYONE, [], ["Send Messages"]]]), needs: ["Send Messages"] },
  ],
  "a thread without the permission for threads": [
    { place: thread({}, [[EVERYONE, [], ["Send Messages in Threads"]]]), needs: ["Send Messages"] },
    lacks("Send Messages in Threads"),
  ],
  "a thread of a hidden channel, for its member": [
    {
      place: thread({ ...PRIVATE, hasMember: true }, [[EVERYONE, [], ["View Channel"]]]),
      needs: [],
    },
    lacks("View Channel"),
  ],
  "a private thread of others": [{ place: thread(PRIVATE), needs: [] }, lacks("Manage Threads")],
  "a private thread, for a member": [
    { place: thread({ ...PRIVATE, hasMember: true }), needs: ["Send Messages"] },
  ],
  "a private thread, for a moderator": [
    { mid: ["Manage Threads"], place: thread(PRIVATE), needs: ["Read Message History"] },
  ],
  "a private thread, for Manage Channels alone": [
    { mid: ["Manage Channels"], place: thread(PRIVATE), needs: [] },
    lacks("Manage Threads"),
  ],
  "a private thread whose channel takes Manage Threads away": [
    { mid: ["Manage Threads"], place: thread(PRIVATE, [[MID, [], ["Manage Threads"]]]), needs: [] },
    lacks("Manage Threads"),
  ],
  "a locked thread, for reading": [{ place: thread(LOCKED), needs: ["Read Message History"] }],
  "a locked thread, for writing": [
    { place: thread(LOCKED), needs: ["Send Messages"] },
    lacks("Manage Threads"),
  ],
  "a locked thread, for a reaction": [
    { place: thread(LOCKED), needs: ["Add Reactions"] },
    lacks("Manage Threads"),
  ],
  "a locked thread, for a moderator": [
    { mid: ["Manage Threads"], place: thread(LOCKED), needs: ["Send Messages", "Add Reactions"] },
  ],
  "a locked private thread, for its member": [
    { place: thread({ ...PRIVATE, ...LOCKED, hasMember: true }), needs: ["Send Messages"] },
    lacks("Manage Threads"),
  ],
  "a thread with slow mode": [
    { place: thread({}, [], { hasSlowmode: true }), needs: ["Send Messages"] },
    lacks("Bypass Slowmode"),
  ],
  "pins in a thread": [{ mid: ["Pin Messages"], place: thread(), needs: ["Pin Messages"] }],
  "polls in a thread": [
    { mid: ["Create Polls"], place: thread(), needs: ["Send Messages", "Create Polls"] },
  ],
  "a new thread without the permission": [
    { place: channel(), needs: ["Create Public Threads"] },
    lacks("Create Public Threads"),
  ],
  "a new thread where only private ones are allowed": [
    { mid: ["Create Private Threads"], place: channel(), needs: ["Create Public Threads"] },
    lacks("Create Public Threads"),
  ],
  "a new thread in slow mode": [
    { mid: ["Create Public Threads"], place: slow(), needs: ["Create Public Threads"] },
    lacks("Bypass Slowmode"),
  ],
  "a post in a forum": [{ place: channel(), needs: ["Send Messages"] }],
  "a post in a forum without sending": [
    { place: channel([[EVERYONE, [], ["Send Messages"]]]), needs: ["Send Messages"] },
    lacks("Send Messages"),
  ],
  "a moderated tag": [
    { place: channel(), needs: ["Send Messages", "Manage Threads"] },
    lacks("Manage Threads"),
  ],
  // voice and stage channels
  "the text of a voice channel": [{ place: voice(), needs: ["Send Messages"] }],
  "the text of a voice channel, without Connect": [
    { place: voice([[EVERYONE, [], ["Connect"]]]), needs: ["Send Messages"] },
    lacks("Connect"),
  ],
  "seeing a voice channel, without Connect": [
    { place: voice([[EVERYONE, [], ["Connect"]]]), needs: ["View Channel"] },
  ],
  "the history of a voice channel, without Connect": [
    { place: voice([[EVERYONE, [], ["Connect"]]]), needs: ["Read Message History"] },
    lacks("Connect"),
  ],
  "changing a voice channel, without Connect": [
    {
      mid: ["Manage Channels"],
      place: voice([[EVERYONE, [], ["Connect"]]]),
      needs: ["Manage Channels"],
    },
    lacks("Connect"),
  ],
  "changing a voice channel, with Connect for the role": [{
    mid: ["Manage Channels"],
    place: voice([[EVERYONE, [], ["Connect"]], [MID, ["Connect"], []]]),
    needs: ["Manage Channels"],
  }],
  "changing a stage as an administrator": [{
    roles: [ADMIN],
    place: voice([[EVERYONE, [], ["Connect"]]]),
    needs: ["Manage Channels"],
  }],
  "an event in a stage": [
    {
      mid: ["Create Events", "Manage Channels", "Mute Members"],
      place: voice(),
      needs: ["Create Events", "Manage Channels", "Mute Members", "Move Members"],
    },
    lacks("Move Members"),
  ],
  "an event in a voice channel": [
    { mid: ["Create Events"], place: voice(), needs: ["Create Events", "Connect"] },
  ],
  "an event in a voice channel that denies Connect": [
    {
      mid: ["Create Events"],
      place: voice([[MID, [], ["Connect"]]]),
      needs: ["Create Events", "Connect"],
    },
    lacks("Connect"),
  ],
  // slow mode
  "sending in slow mode": [{ place: slow(), needs: ["Send Messages"] }, lacks("Bypass Slowmode")],
  "sending in slow mode, with Manage Messages and Manage Channels": [
    { mid: ["Manage Messages", "Manage Channels"], place: slow(), needs: ["Send Messages"] },
    lacks("Bypass Slowmode"),
  ],
  "sending in slow mode, with Bypass Slowmode": [
    { mid: ["Bypass Slowmode"], place: slow(), needs: ["Send Messages"] },
  ],
  "sending in slow mode, with Bypass Slowmode denied there": [
    {
      mid: ["Bypass Slowmode"],
      place: slow([[MID, [], ["Bypass Slowmode"]]]),
      needs: ["Send Messages"],
    },
    lacks("Bypass Slowmode"),
  ],
  "reading in slow mode": [{ place: slow(), needs: ["Read Message History", "Add Reactions"] }],
  "sending in slow mode as an administrator": [
    { roles: [ADMIN], place: slow(), needs: ["Send Messages"] },
  ],
  // the bits of 2026
  "pins with Manage Messages": [
    { mid: ["Manage Messages"], place: channel(), needs: ["Pin Messages"] },
    lacks("Pin Messages"),
  ],
  "pins with Pin Messages alone": [
    { mid: ["Pin Messages"], place: channel(), needs: ["Read Message History", "Pin Messages"] },
  ],
  "deleting with Pin Messages": [
    { mid: ["Pin Messages"], place: channel(), needs: ["Manage Messages"] },
    lacks("Manage Messages"),
  ],
  "pins where the channel denies them": [
    {
      mid: ["Pin Messages"],
      place: channel([[ME, [], ["Pin Messages"]]]),
      needs: ["Pin Messages"],
    },
    lacks("Pin Messages"),
  ],
  "a new emoji with Manage Expressions": [
    { mid: ["Manage Expressions"], needs: [server("Create Expressions")] },
    lacks("Create Expressions"),
  ],
  "a new emoji with Create Expressions": [
    { mid: ["Create Expressions"], needs: [server("Create Expressions")] },
  ],
  "another person's emoji with Create Expressions": [
    { mid: ["Create Expressions"], needs: [server("Manage Expressions")] },
    lacks("Manage Expressions"),
  ],
  "a new event with Manage Events": [
    { mid: ["Manage Events"], needs: [server("Create Events")] },
    lacks("Create Events"),
  ],
  "another person's event with Create Events": [
    { mid: ["Create Events"], needs: [server("Manage Events")] },
    lacks("Manage Events"),
  ],
  "emojis": [{ place: channel(), needs: ["Use External Emojis"] }, lacks("Use External Emojis")],
  "external emojis, with stickers alone": [
    { mid: ["Use External Stickers"], place: channel(), needs: ["Use External Emojis"] },
    lacks("Use External Emojis"),
  ],
  "external stickers": [
    { mid: ["Use External Stickers"], place: channel(), needs: ["Use External Stickers"] },
  ],
  // ranks and roles
  "a member with an equal role": [{ needs: [over(OTHER, [MID])] }, RANK],
  "a member with a younger role in the same place": [{ needs: [over(OTHER, [TWIN])] }],
  "a member with an older role in the same place": [
    { roles: [TWIN], needs: [over(OTHER, [MID])] },
    RANK,
  ],
  "a member without roles": [{ needs: [over(OTHER, [])] }],
  "two members without roles": [{ roles: [], needs: [over(OTHER, [])] }, RANK],
  "a member with a deleted role": [{ needs: [over(OTHER, [roleId("999")])] }],
  "themselves": [{ roles: [HIGH], needs: [over(ME, [LOW])] }, RANK],
  "a lower role": [{ needs: [give(LOW)] }],
  "their own highest role": [{ needs: [give(MID)] }, ROLE],
  "a higher role": [{ needs: [give(HIGH)] }, ROLE],
  "a role in the same place": [{ needs: [give(TWIN)] }],
  "an older role in the same place": [{ roles: [TWIN], needs: [give(MID)] }, ROLE],
  "a managed role below": [
    { needs: [give(MANAGED)] },
    "an integration manages that role, so no one can give or take it",
  ],
  "the overwrite of a managed role": [{ needs: [edit(MANAGED)] }],
  "the overwrite of @everyone": [{ needs: [edit(EVERYONE)] }],
  "the overwrite of a higher role": [{ needs: [edit(HIGH)] }, ROLE],
  "no role": [{ needs: [give(roleId("999"))] }, "there is no such role in that server"],
  "giving permissions that they have": [{
    mid: ["Manage Messages", "Manage Roles"],
    place: channel(),
    needs: [{ kind: "holds", bits: bitsOf("Manage Messages") }],
  }],
  "giving permissions that the channel denies them": [
    {
      mid: ["Manage Messages"],
      place: channel([[MID, [], ["Manage Messages"]]]),
      needs: [{ kind: "holds", bits: bitsOf("Manage Messages") }],
    },
    "you may give and deny only permissions that you have there",
  ],
  "giving Administrator": [
    { mid: ["Manage Roles"], place: channel(), needs: [{ kind: "holds", bits: 1n << 3n }] },
    "you may give and deny only permissions that you have there",
  ],
  "giving Administrator as one": [
    { roles: [ADMIN], place: channel(), needs: [{ kind: "holds", bits: 1n << 3n }] },
  ],
  // people
  "a person who is no member": [
    { isNoMember: true, place: channel(), needs: [] },
    "you are not a member of that server",
  ],
  "another person's poll": [
    { roles: [ADMIN], place: channel(), needs: [{ kind: "posted_for", userId: OTHER }] },
    "the bot posted it for another person; only they and owners of the bot may do that",
  ],
  "a poll of no known person": [
    { who: OWNER, roles: [], place: channel(), needs: [{ kind: "posted_for" }] },
    "the bot posted it for another person; only they and owners of the bot may do that",
  ],
};

describe("[T4] [SEC-R17] Discord's rules, a second matrix", () => {
  it("has at least 80 cases", () => assert.ok(Object.keys(MATRIX).length >= 80));

  for (const [what, [setting, missing]] of Object.entries(MATRIX)) {
    it(`${missing === undefined ? "permits" : "refuses"} ${what}`, () => {
      assert.equal(missingIn(setting), missing);
    });
  }
});
