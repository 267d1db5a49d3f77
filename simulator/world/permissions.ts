/**
 * Computes permissions as Discord does.
 *
 * Roles are added up. Then the channel's overwrites apply: those of everyone, those of the roles
 * together, the member's own. A thread has its parent's.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions}
 */

import type { UserId } from "../../src/core/discord/ids.ts";
import type { Guild, GuildChannel, Overwrite, World } from "./world.ts";

/** Bits that the simulator checks, or that an operator should not grant. */
export const PERMISSION = {
  kickMembers: 1n << 1n,
  banMembers: 1n << 2n,
  administrator: 1n << 3n,
  manageChannels: 1n << 4n,
  addReactions: 1n << 6n,
  viewChannel: 1n << 10n,
  sendMessages: 1n << 11n,
  manageMessages: 1n << 13n,
  embedLinks: 1n << 14n,
  attachFiles: 1n << 15n,
  readMessageHistory: 1n << 16n,
  mentionEveryone: 1n << 17n,
  connect: 1n << 20n,
  speak: 1n << 21n,
  muteMembers: 1n << 22n,
  moveMembers: 1n << 24n,
  manageRoles: 1n << 28n,
  requestToSpeak: 1n << 32n,
  manageWebhooks: 1n << 29n,
  manageThreads: 1n << 34n,
  createPublicThreads: 1n << 35n,
  useExternalEmojis: 1n << 18n,
  useExternalStickers: 1n << 37n,
  sendMessagesInThreads: 1n << 38n,
  moderateMembers: 1n << 40n,
  createExpressions: 1n << 43n,
  createEvents: 1n << 44n,
  sendPolls: 1n << 49n,
  pinMessages: 1n << 51n,
  bypassSlowmode: 1n << 52n,
} as const;

/** Permissions of `@everyone` in a new guild: write, read, react, open threads and speak. */
export const DEFAULT_PERMISSIONS: bigint = PERMISSION.addReactions | PERMISSION.viewChannel |
  PERMISSION.sendMessages | PERMISSION.embedLinks | PERMISSION.attachFiles |
  PERMISSION.readMessageHistory | PERMISSION.sendMessagesInThreads |
  PERMISSION.createPublicThreads | PERMISSION.connect | PERMISSION.speak |
  PERMISSION.requestToSpeak;

/** Every bit that Discord may use. */
export const ALL_PERMISSIONS: bigint = (1n << 53n) - 1n;

/** Permissions of a user in a whole guild; none if the user is no member. */
export function guildPermissions(guild: Guild, userId: UserId): bigint {
  const member = guild.members.get(userId);
  if (!member) return 0n;
  if (guild.ownerId === userId) return ALL_PERMISSIONS;
  let sum = guild.roles.get(guild.everyoneRoleId)?.permissions ?? 0n;
  for (const roleId of member.roles) sum |= guild.roles.get(roleId)?.permissions ?? 0n;
  return sum & PERMISSION.administrator ? ALL_PERMISSIONS : sum;
}

/** Permissions that a timed-out member keeps, unless it is an administrator. */
const LEFT_BY_TIMEOUT = PERMISSION.viewChannel | PERMISSION.readMessageHistory;

/** Permissions of a user in one channel of a guild; in a thread, those of its parent. */
export function channelPermissions(world: World, channel: GuildChannel, userId: UserId): bigint {
  const guild = world.guilds.get(channel.guildId);
  const member = guild?.members.get(userId);
  if (!guild || !member) return 0n;
  const base = guildPermissions(guild, userId);
  if (base === ALL_PERMISSIONS) return base;

  const overwrites = overwritesOf(world, channel);
  const kept = member.timedOutUntil === undefined ? ALL_PERMISSIONS : LEFT_BY_TIMEOUT;
  const everyone = overwrites.filter(({ id }) => id === guild.everyoneRoleId);
  const roles = overwrites.filter(({ kind, id }) =>
    kind === "role" && member.roles.some((role) => role === id)
  );
  const own = overwrites.filter(({ kind, id }) => kind === "member" && id === userId);
  return withImplied([everyone, roles, own].reduce(applyTogether, base)) & kept;
}

/** A member who cannot see a channel can do nothing there. */
function withImplied(bits: bigint): bigint {
  return bits & PERMISSION.viewChannel ? bits : 0n;
}

/** Among overwrites of one rank, denials apply first, so one that allows wins. */
function applyTogether(bits: bigint, overwrites: readonly Overwrite[]): bigint {
  const denied = overwrites.reduce((sum, { deny }) => sum | deny, 0n);
  const allowed = overwrites.reduce((sum, { allow }) => sum | allow, 0n);
  return bits & ~denied | allowed;
}

function overwritesOf(world: World, channel: GuildChannel): readonly Overwrite[] {
  if (channel.kind !== "thread") return channel.overwrites;
  const parent = world.channels.get(channel.parentId);
  return parent && "overwrites" in parent ? parent.overwrites : [];
}
