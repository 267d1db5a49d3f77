/**
 * Computes whether a member lacks a permission in a channel, and which rule denies it. The
 * computation is Discord's own.
 *
 * It adds up the permissions of the member's roles, and then applies the channel's overwrites:
 * those of `@everyone`, of the roles together, and of the member. A thread has the overwrites of
 * its parent channel. A member who does not see a channel can do nothing in it, so a caller that
 * needs another permission checks View Channel first.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { oncePer } from "../../lib/cache.ts";
import type { ChannelId, GuildId, MessageId, RoleId, Snowflake, UserId } from "../discord/ids.ts";

/** Discord's numbers for the kinds of channels that tools name. */
export const CHANNEL_KINDS = {
  text: 0,
  voice: 2,
  category: 4,
  announcement: 5,
  announcementThread: 10,
  publicThread: 11,
  privateThread: 12,
  stage: 13,
  forum: 15,
  media: 16,
} as const;

export interface Channel {
  readonly id: ChannelId;
  /** Discord's number for its kind, one of {@link CHANNEL_KINDS}, or another. */
  readonly type: number;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Name for people; empty in direct messages. Untrusted. */
  readonly name: string;
  /** Category of a channel, or channel of a thread. */
  readonly parentId?: ChannelId;
  /** Absent if it has none. Untrusted. */
  readonly topic?: string;
  /** Place in the list of its category. */
  readonly position: number;
  readonly isNsfw: boolean;
  /** Seconds between two messages of a person; 0 without slow mode. */
  readonly slowmodeSec: number;
  /** Empty for a thread, which has those of its parent. */
  readonly overwrites: readonly Overwrite[];
  /** Absent if it has no messages. */
  readonly lastMessageId?: MessageId;
  readonly tags: readonly {
    readonly id: Snowflake;
    /** Name for people. Untrusted. */
    readonly name: string;
    /** Whether only people who manage threads may set it. */
    readonly isModerated: boolean;
  }[];
  /** Set for a thread. */
  readonly thread?: {
    /** Whether it is archived; a message opens it again. */
    readonly isArchived: boolean;
    /** Whether only people who manage threads may write. */
    readonly isLocked: boolean;
    /** The person or bot that opened it. */
    readonly ownerId?: UserId;
  };
}

export function isThread({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.announcementThread || type === CHANNEL_KINDS.publicThread ||
    type === CHANNEL_KINDS.privateThread;
}

/** Whether messages of a channel exist only within posts, which are threads. */
export function isForum({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.forum || type === CHANNEL_KINDS.media;
}

/** Whether people talk in a channel, too. */
export function isVoice({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.voice || type === CHANNEL_KINDS.stage;
}

export interface RoleGrant {
  readonly id: RoleId;
  readonly permissions: bigint;
}

export interface Overwrite {
  readonly id: Snowflake;
  readonly allow: bigint;
  readonly deny: bigint;
}

/** A member and the guild settings from which its permissions follow. */
export interface PermissionInputs {
  /** The guild; `@everyone` has the same id. */
  readonly guildId: GuildId;
  /** The guild's owner, who has all permissions; `undefined` if unknown. */
  readonly ownerId: UserId | undefined;
  /** All roles of the guild; `@everyone` has the guild's id. */
  readonly roles: readonly RoleGrant[];
  readonly userId: UserId;
  /** The member's roles, without `@everyone`. */
  readonly memberRoles: readonly RoleId[];
}

/**
 * The permissions that Barnacle looks at, by their names in Discord's settings. The bits are those
 * in force since February 2026, when pins, slow mode, expressions and events got bits of their own.
 */
export const PERMISSIONS = {
  "View Channel": 1n << 10n,
  "Send Messages": 1n << 11n,
  "Send Messages in Threads": 1n << 38n,
  "Attach Files": 1n << 15n,
  "Embed Links": 1n << 14n,
  "Read Message History": 1n << 16n,
  "Create Public Threads": 1n << 35n,
  "Create Private Threads": 1n << 36n,
  "Manage Threads": 1n << 34n,
  "Add Reactions": 1n << 6n,
  "Use External Emojis": 1n << 18n,
  "Use External Stickers": 1n << 37n,
  "Manage Messages": 1n << 13n,
  "Pin Messages": 1n << 51n,
  "Bypass Slowmode": 1n << 52n,
  "Create Polls": 1n << 49n,
  "Create Expressions": 1n << 43n,
  "Manage Expressions": 1n << 30n,
  "Create Events": 1n << 44n,
  "Manage Events": 1n << 33n,
  "Manage Channels": 1n << 4n,
  "Manage Roles": 1n << 28n,
  "Timeout Members": 1n << 40n,
  "Kick Members": 1n << 1n,
  "Ban Members": 1n << 2n,
  "Connect": 1n << 20n,
  "Speak": 1n << 21n,
  "Mute Members": 1n << 22n,
  "Move Members": 1n << 24n,
} as const;

const ADMINISTRATOR = 1n << 3n;

/** Permissions that the bot does not need, and that an attacker could use (SEC-R34). */
const RISKY = {
  "Administrator": ADMINISTRATOR,
  "Manage Webhooks": 1n << 29n,
  "Mention Everyone": 1n << 17n,
} as const;

/** The name of a permission: `"Send Messages"`. */
export type Permission = keyof typeof PERMISSIONS;

/** Whether it is the name of a permission that Barnacle looks at. */
export function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

/** Why a member lacks a permission: no role grants it, or this overwrite denies it last. */
type DeniedBy =
  | { readonly kind: "no_role" }
  | { readonly kind: "everyone" }
  | { readonly kind: "roles"; readonly ids: readonly RoleId[] }
  | { readonly kind: "member" };

const EVERYTHING = (1n << 64n) - 1n;

/**
 * Finds the rule that denies a member a permission.
 *
 * @returns `undefined` if the member has the permission, whether or not it sees the channel.
 */
export function deniedBy(
  member: PermissionInputs,
  overwrites: readonly Overwrite[],
  permission: Permission,
): DeniedBy | undefined {
  const flag = PERMISSIONS[permission];
  if (has(permissionBits(member, overwrites), flag)) return undefined;
  // The last denial counts: if a later overwrite allowed the permission, the member would have it.
  const denials = overwrites.filter(({ deny }) => has(deny, flag));
  const { everyone, roles, own } = groupOverwrites(member, denials);
  if (own.length > 0) return { kind: "member" };
  if (roles.length > 0) {
    const ids = member.memberRoles.filter((role) => roles.some(({ id }) => isSame(id, role)));
    return { kind: "roles", ids };
  }
  return { kind: everyone.length > 0 ? "everyone" : "no_role" };
}

/**
 * All permissions of a member in a channel, one bit each, whether or not it sees the channel.
 *
 * @param overwrites Of the channel; none for the permissions in the whole guild.
 * @param base Those in the whole guild, if they are known already.
 */
export function permissionBits(
  member: PermissionInputs,
  overwrites: readonly Overwrite[],
  base: bigint = basePermissions(member),
): bigint {
  if (base === EVERYTHING) return base;
  const { guildId, userId } = member;
  const roles = roleSet(member.memberRoles);
  const everyone = { allow: 0n, deny: 0n };
  const ofRoles = { allow: 0n, deny: 0n };
  const own = { allow: 0n, deny: 0n };
  // One pass: a channel may have hundreds of overwrites, and each call of a tool comes here.
  for (const { id, allow, deny } of overwrites) {
    if (isSame(id, guildId)) addOverwrite(everyone, allow, deny);
    if (roles.has(id)) addOverwrite(ofRoles, allow, deny);
    if (isSame(id, userId)) addOverwrite(own, allow, deny);
  }
  return [everyone, ofRoles, own].reduce((bits, { allow, deny }) => (bits & ~deny) | allow, base);
}

function addOverwrite(sum: { allow: bigint; deny: bigint }, allow: bigint, deny: bigint): void {
  sum.allow |= allow;
  sum.deny |= deny;
}

/**
 * Finds the risky permissions in a bit set. An administrator has all others, so the result names
 * only Administrator then.
 */
export function riskyIn(bits: bigint): readonly string[] {
  const names = Object.keys(RISKY).filter((name): name is keyof typeof RISKY => name in RISKY);
  const found = names.filter((name) => has(bits, RISKY[name]));
  return found.includes("Administrator") ? ["Administrator"] : found;
}

/**
 * Whether a member has all permissions everywhere: as the guild's owner, or an administrator.
 *
 * @param base Its permissions in the whole guild, if they are known already.
 */
export function hasAllPermissions(
  member: PermissionInputs,
  base: bigint = basePermissions(member),
): boolean {
  return base === EVERYTHING;
}

/** The permissions of a member in the whole guild; all bits for its owner and administrators. */
export function basePermissions(
  { guildId, ownerId, roles, userId, memberRoles }: PermissionInputs,
): bigint {
  if (userId === ownerId) return EVERYTHING;
  const own = roleSet(memberRoles);
  let base = 0n;
  for (const { id, permissions } of roles) {
    if (own.has(id) || isSame(id, guildId)) base |= permissions;
  }
  return has(base, ADMINISTRATOR) ? EVERYTHING : base;
}

/** Sets of the roles of members: one call of a tool asks for the same one several times. */
export const roleSet: (roles: readonly RoleId[]) => ReadonlySet<string> = oncePer((roles) =>
  new Set<string>(roles)
);

/** Groups overwrites in the order in which Discord applies them. */
function groupOverwrites(
  { guildId, userId, memberRoles }: PermissionInputs,
  overwrites: readonly Overwrite[],
) {
  const own = roleSet(memberRoles);
  return {
    everyone: overwrites.filter(({ id }) => isSame(id, guildId)),
    roles: overwrites.filter(({ id }) => own.has(id)),
    own: overwrites.filter(({ id }) => isSame(id, userId)),
  };
}

function has(bits: bigint, flag: bigint): boolean {
  return (bits & flag) !== 0n;
}

/** Compares ids of two kinds, which can be equal: the role `@everyone` has its guild's id. */
function isSame(left: string, right: string): boolean {
  return left === right;
}
