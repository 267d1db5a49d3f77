/** Changes a world while bots are connected; each function returns the event for them. */

import type { RoleId, UserId } from "../../src/core/discord/ids.ts";
import { addBot, addMember } from "../world/create_world.ts";
import type {
  Guild,
  Overwrite,
  Role,
  TextChannel,
  Thread,
  World,
  WorldEvent,
} from "../world/world.ts";

/** Renames a channel, or changes its topic or overwrites. */
export function changeChannel(
  world: World,
  channel: TextChannel,
  change:
    & {
      readonly name?: string;
      readonly topic?: string;
      readonly overwrites?: readonly Overwrite[];
    }
    & Partial<
      Pick<
        TextChannel,
        | "parentId"
        | "position"
        | "isAgeRestricted"
        | "slowmodeSec"
        | "tags"
        | "userLimit"
        | "region"
      >
    >,
): WorldEvent {
  const changed = { ...channel, ...change };
  world.channels.set(channel.id, changed);
  return { kind: "channel_updated", channel: changed };
}

/** Archives or locks a thread, opens it again, or renames it. */
export function changeThread(
  world: World,
  thread: Thread,
  change: { readonly name?: string; readonly isArchived?: boolean; readonly isLocked?: boolean },
): WorldEvent {
  const changed = { ...thread, ...change };
  world.channels.set(thread.id, changed);
  return { kind: "channel_updated", channel: changed };
}

/**
 * Deletes a channel with all its messages.
 *
 * @param tell Publishes an event while the channel still exists, because the channel decides who
 * gets it.
 */
export function deleteChannel(
  world: World,
  channel: TextChannel | Thread,
  tell: (event: WorldEvent) => void,
): void {
  tell({ kind: "channel_deleted", channel });
  world.channels.delete(channel.id);
  world.guilds.get(channel.guildId)?.channelIds.delete(channel.id);
}

/** Gives a member other roles. */
export function changeRoles(guild: Guild, userId: UserId, roles: readonly RoleId[]): WorldEvent {
  const member = guild.members.get(userId);
  if (!member) {
    throw new RangeError(`Cannot change the roles of ${userId}: no member of ${guild.name}`);
  }
  const changed = { ...member, roles };
  guild.members.set(userId, changed);
  return { kind: "member_updated", guildId: guild.id, member: changed };
}

/** Times a member out, or ends the timeout. */
export function changeTimeout(guild: Guild, userId: UserId, until: number | undefined): WorldEvent {
  const member = guild.members.get(userId);
  if (!member) throw new RangeError(`Cannot time out ${userId}: no member of ${guild.name}`);
  const { timedOutUntil: _, ...free } = member;
  const changed = until === undefined ? free : { ...free, timedOutUntil: until };
  guild.members.set(userId, changed);
  return { kind: "member_updated", guildId: guild.id, member: changed };
}

/** Sets a guild's boost level. */
export function changeBoosts(guild: Guild, premiumTier: Guild["premiumTier"]): WorldEvent {
  guild.premiumTier = premiumTier;
  return { kind: "guild_updated", guildId: guild.id };
}

/** Renames a role or changes its permissions. */
export function changeRole(
  guild: Guild,
  role: Role,
  change: { readonly name?: string; readonly permissions?: bigint },
): WorldEvent {
  const changed = { ...role, ...change };
  guild.roles.set(role.id, changed);
  return { kind: "role_updated", guildId: guild.id, role: changed };
}

/** Gives an account another username; another account may take the old one. */
export function renameUser(world: World, userId: UserId, username: string): readonly WorldEvent[] {
  const user = world.users.get(userId);
  if (!user) throw new RangeError(`Cannot rename ${userId}: no account has this id`);
  world.users.set(userId, { ...user, username });
  return [...world.guilds.values()].flatMap(({ id: guildId, members }) => {
    const member = members.get(userId);
    return member ? [{ kind: "member_updated" as const, guildId, member }] : [];
  });
}

/** Adds a member; a bot brings a role with it, and gets GUILD_CREATE. */
export function joinGuild(world: World, guild: Guild, userId: UserId, now: number): WorldEvent {
  const bot = [...world.applications.values()].find((application) => application.userId === userId);
  if (bot) addBot(world, guild, bot, now);
  else addMember(guild, { userId, joinedAt: now });
  return { kind: "guild_joined", guildId: guild.id, userId };
}

/** Removes a member, who left or was removed. */
export function leaveGuild(guild: Guild, userId: UserId): WorldEvent {
  guild.members.delete(userId);
  return { kind: "guild_left", guildId: guild.id, userId };
}
