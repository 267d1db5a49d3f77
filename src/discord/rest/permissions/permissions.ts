/**
 * Computes whether a member lacks a permission in a channel, and which rule denies it. The
 * computation is Discord's own.
 *
 * It adds up the permissions of the member's roles, and then applies the channel's overwrites:
 * those of
 * @everyone, of the roles together, and of the member. A thread has the overwrites of its parent
 * channel. A member who does not see a channel can do nothing in it, so a caller that needs another
 * permission checks View Channel first.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import type { GuildId, RoleId, Snowflake, UserId } from "../../../core/discord/ids.ts";

/** A role with its permission bits. */
export interface RoleGrant {
  /** The role's id. */
  readonly id: RoleId;
  /** The permissions that it grants, one bit each. */
  readonly permissions: bigint;
}

/** One permission overwrite of a channel. */
export interface Overwrite {
  /** The id of a role or a member. */
  readonly id: Snowflake;
  /** Bits of the allowed permissions. */
  readonly allow: bigint;
  /** Bits of the denied permissions. */
  readonly deny: bigint;
}

/** A member and the guild settings from which its permissions follow. */
export interface PermissionInputs {
  /** The guild; `@everyone` has the same id. */
  readonly guildId: GuildId;
  /** The guild's owner, who has all permissions. */
  readonly ownerId: UserId;
  /** All roles of the guild; `@everyone` has the guild's id. */
  readonly roles: readonly RoleGrant[];
  /** The member's user. */
  readonly userId: UserId;
  /** The member's roles, without `@everyone`. */
  readonly memberRoles: readonly RoleId[];
}

/** The permissions that Barnacle looks at, by their names in Discord's settings. */
export const PERMISSIONS = {
  "View Channel": Flag.VIEW_CHANNEL,
  "Send Messages": Flag.SEND_MESSAGES,
  "Send Messages in Threads": Flag.SEND_MESSAGES_IN_THREADS,
  "Attach Files": Flag.ATTACH_FILES,
  "Read Message History": Flag.READ_MESSAGE_HISTORY,
  "Create Public Threads": Flag.CREATE_PUBLIC_THREADS,
  "Manage Threads": Flag.MANAGE_THREADS,
  "Add Reactions": Flag.ADD_REACTIONS,
  "Manage Messages": Flag.MANAGE_MESSAGES,
} as const;

/** Permissions that the bot does not need, and that an attacker could use (SEC-R34). */
const RISKY = {
  "Administrator": Flag.ADMINISTRATOR,
  "Manage Webhooks": Flag.MANAGE_WEBHOOKS,
  "Mention Everyone": Flag.MENTION_EVERYONE,
} as const;

/** The name of a permission: `"Send Messages"`. */
export type Permission = keyof typeof PERMISSIONS;

/** Whether it is the name of a permission that Barnacle looks at. */
export function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

/** Why a member lacks a permission: no role grants it, or this overwrite denies it last. */
export type DeniedBy =
  | { readonly kind: "no_role" }
  | { readonly kind: "everyone" }
  /** The member's roles that the channel denies the permission. */
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
  const base = basePermissions(member);
  let denial: DeniedBy | undefined = has(base, flag) ? undefined : { kind: "no_role" };
  if (base === EVERYTHING) return undefined;
  const { everyone, roles, own } = groupOverwrites(member, overwrites);
  const apply = (group: readonly Overwrite[], reason: DeniedBy) => {
    if (group.some(({ allow }) => has(allow, flag))) denial = undefined;
    else if (group.some(({ deny }) => has(deny, flag))) denial = reason;
  };
  apply(everyone, { kind: "everyone" });
  apply(roles, {
    kind: "roles",
    ids: member.memberRoles.filter((role) =>
      roles.some(({ id, deny }) => isSame(id, role) && has(deny, flag))
    ),
  });
  apply(own, { kind: "member" });
  return denial;
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

/** Whether a member has all permissions everywhere: as the guild's owner, or an administrator. */
export function hasAllPermissions(member: PermissionInputs): boolean {
  return basePermissions(member) === EVERYTHING;
}

function basePermissions(
  { guildId, ownerId, roles, userId, memberRoles }: PermissionInputs,
): bigint {
  if (userId === ownerId) return EVERYTHING;
  const own = new Set<string>(memberRoles);
  const base = roles
    .filter(({ id }) => isSame(id, guildId) || own.has(id))
    .reduce((bits, { permissions }) => bits | permissions, 0n);
  return has(base, Flag.ADMINISTRATOR) ? EVERYTHING : base;
}

/** Groups overwrites in the order in which Discord applies them. */
function groupOverwrites(
  { guildId, userId, memberRoles }: PermissionInputs,
  overwrites: readonly Overwrite[],
) {
  const own = new Set<string>(memberRoles);
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
