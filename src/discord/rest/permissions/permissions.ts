/**
 * Whether a member lacks a permission in a channel, by Discord's own computation, and who says so.
 *
 * Roles are added up, then the channel's overwrites are applied: everyone's,
 * those of the roles together, the member's own. A thread has the overwrites of
 * its parent. Whoever does not see a channel can do nothing in it; so whoever
 * asks for more asks for that first.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import type { GuildId, RoleId, Snowflake, UserId } from "../../../core/discord/ids.ts";

/** A role with its bits. */
export interface RoleGrant {
  readonly id: RoleId;
  readonly permissions: bigint;
}

/** One exception of a channel. */
export interface Overwrite {
  /** Of a role, or of a member. */
  readonly id: Snowflake;
  readonly allow: bigint;
  readonly deny: bigint;
}

/** A member, and what its guild says of it. */
export interface Standing {
  readonly guildId: GuildId;
  readonly ownerId: UserId;
  /** All roles of the guild; `@everyone` has the guild's id. */
  readonly roles: readonly RoleGrant[];
  readonly userId: UserId;
  /** Those of the member, without `@everyone`. */
  readonly memberRoles: readonly RoleId[];
}

/** Permissions that posting or reading back may take, as Discord's settings call them. */
export const PERMISSIONS = {
  "View Channel": Flag.VIEW_CHANNEL,
  "Send Messages": Flag.SEND_MESSAGES,
  "Send Messages in Threads": Flag.SEND_MESSAGES_IN_THREADS,
  "Attach Files": Flag.ATTACH_FILES,
  "Read Message History": Flag.READ_MESSAGE_HISTORY,
  "Manage Threads": Flag.MANAGE_THREADS,
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** Why a member lacks a permission: nobody gives it, or the last who spoke of it takes it. */
export type DeniedBy =
  | { readonly kind: "no_role" }
  | { readonly kind: "everyone" }
  /** Of the member's roles, those that the channel denies it. */
  | { readonly kind: "roles"; readonly ids: readonly RoleId[] }
  | { readonly kind: "member" };

const EVERYTHING = (1n << 64n) - 1n;

/**
 * Who takes a permission from a member.
 *
 * @returns `undefined` where the member has it, whether or not it sees the channel.
 */
export function deniedBy(
  member: Standing,
  overwrites: readonly Overwrite[],
  permission: Permission,
): DeniedBy | undefined {
  const flag = PERMISSIONS[permission];
  const base = basePermissions(member);
  let answer: DeniedBy | undefined = has(base, flag) ? undefined : { kind: "no_role" };
  if (base === EVERYTHING) return undefined;
  const { everyone, roles, own } = ranked(member, overwrites);
  const said = (those: readonly Overwrite[], why: DeniedBy) => {
    if (those.some(({ allow }) => has(allow, flag))) answer = undefined;
    else if (those.some(({ deny }) => has(deny, flag))) answer = why;
  };
  said(everyone, { kind: "everyone" });
  said(roles, {
    kind: "roles",
    ids: member.memberRoles.filter((role) =>
      roles.some(({ id, deny }) => isSame(id, role) && has(deny, flag))
    ),
  });
  said(own, { kind: "member" });
  return answer;
}

/** Whether the guild lets a member do everything everywhere: its owner, or an administrator. */
export function mayEverything(member: Standing): boolean {
  return basePermissions(member) === EVERYTHING;
}

function basePermissions({ guildId, ownerId, roles, userId, memberRoles }: Standing): bigint {
  if (userId === ownerId) return EVERYTHING;
  const own = new Set<string>(memberRoles);
  const base = roles
    .filter(({ id }) => isSame(id, guildId) || own.has(id))
    .reduce((bits, { permissions }) => bits | permissions, 0n);
  return has(base, Flag.ADMINISTRATOR) ? EVERYTHING : base;
}

/** Overwrites of each rank, in the order in which they count. */
function ranked({ guildId, userId, memberRoles }: Standing, overwrites: readonly Overwrite[]) {
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

/** Ids of two kinds may be the same on purpose: `@everyone`'s is its guild's. */
function isSame(one: string, other: string): boolean {
  return one === other;
}
