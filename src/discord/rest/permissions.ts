/**
 * What a member may do in a channel, by Discord's own computation.
 *
 * Roles are added up, then the channel's overwrites are applied: everyone's,
 * those of the roles together, the member's own. Whoever does not see a channel
 * can do nothing in it. A thread has the overwrites of its parent.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import type { GuildId, RoleId, Snowflake, UserId } from "../../core/ids.ts";

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

/** What reading a channel's history takes, as Discord's settings call it. */
export type ReadPermission = "View Channel" | "Read Message History";

const EVERYTHING = (1n << 64n) - 1n;

/** A member's bits in a channel with these overwrites. */
export function permissionsIn(member: Standing, overwrites: readonly Overwrite[]): bigint {
  const { guildId, ownerId, roles, userId, memberRoles } = member;
  if (userId === ownerId) return EVERYTHING;
  const own = new Set<string>(memberRoles);
  const base = roles
    .filter(({ id }) => isSame(id, guildId) || own.has(id))
    .reduce((bits, { permissions }) => bits | permissions, 0n);
  if (has(base, Flag.ADMINISTRATOR)) return EVERYTHING;
  const bits = [
    overwrites.filter(({ id }) => isSame(id, guildId)),
    overwrites.filter(({ id }) => own.has(id)),
    overwrites.filter(({ id }) => isSame(id, userId)),
  ].reduce(applied, base);
  return has(bits, Flag.VIEW_CHANNEL) ? bits : 0n;
}

/** What is missing of what reading back takes; none of it where all may be read. */
export function missingToRead(bits: bigint): readonly ReadPermission[] {
  if (!has(bits, Flag.VIEW_CHANNEL)) return ["View Channel"]; // whatever else: that comes first
  return has(bits, Flag.READ_MESSAGE_HISTORY) ? [] : ["Read Message History"];
}

/** Of overwrites of one rank, all denials go first: one that allows wins. */
function applied(bits: bigint, overwrites: readonly Overwrite[]): bigint {
  const denied = overwrites.reduce((sum, { deny }) => sum | deny, 0n);
  const allowed = overwrites.reduce((sum, { allow }) => sum | allow, 0n);
  return (bits & ~denied) | allowed;
}

function has(bits: bigint, flag: bigint): boolean {
  return (bits & flag) !== 0n;
}

/** Ids of two kinds may be the same on purpose: `@everyone`'s is its guild's. */
function isSame(one: string, other: string): boolean {
  return one === other;
}
