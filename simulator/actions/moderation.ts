/**
 * Moderates guilds by name: `permit({ to: "Barnacle", what: "sendMessages", as: "denied", in:
 * "#ops" })`.
 *
 * Bots get the same events as at Discord. An overwrite sends CHANNEL_UPDATE, a role
 * GUILD_ROLE_UPDATE, their own roles and timeouts GUILD_MEMBER_UPDATE. About the bot itself, the
 * last one needs no intent.
 */

import {
  changeBoosts,
  changeChannel,
  changeRole,
  changeRoles,
  changeThread,
  changeTimeout,
  deleteChannel,
  joinGuild,
  leaveGuild,
} from "./changes.ts";
import type { People } from "./people.ts";
import { ALL_PERMISSIONS, PERMISSION } from "../world/permissions.ts";
import type {
  Channel,
  Guild,
  GuildChannel,
  Overwrite,
  Role,
  TextChannel,
  World,
  WorldEvent,
} from "../world/world.ts";

export type PermissionName = keyof typeof PERMISSION;

/** One permission, or all at once, for one role or member. */
export interface PermissionChange {
  /** `"@everyone"`, a role's name, or a username; a role comes before a member of the same name. */
  readonly to: string;
  readonly what: PermissionName | "all";
  /** A role without a channel only has allowed permissions: `denied` and `unset` are the same. */
  readonly as: "allowed" | "denied" | "unset";
  /** Channel of the overwrite, by name; absent: the role itself in {@link guild}. */
  readonly in?: string;
  /** The guild's name; the first of the world, if absent. Not needed with a channel. */
  readonly guild?: string;
  /** Takes the member if a role has the same name, as every bot's has. */
  readonly isMember?: boolean;
}

/** A member and a guild; the world's first guild, if absent. */
export interface MemberOfGuild {
  /** A username or a user's id. */
  readonly who: string;
  readonly guild?: string;
}

export interface Moderation {
  permit(change: PermissionChange): void;
  /** Gives a member exactly these roles, by name. */
  setRoles(member: MemberOfGuild & { readonly roles: readonly string[] }): void;
  /** Times a member out, until a moment in Unix milliseconds; `undefined` ends the timeout. */
  timeOut(member: MemberOfGuild & { readonly until: number | undefined }): void;
  /** Adds a member to a guild; a bot brings its role, and gets GUILD_CREATE at once. */
  invite(member: MemberOfGuild): void;
  /** Removes a member from a guild; a bot gets GUILD_DELETE. */
  kick(member: MemberOfGuild): void;
  /** Locks or archives a thread, or opens it again. */
  setThread(
    thread: { readonly in: string; readonly isLocked?: boolean; readonly isArchived?: boolean },
  ): void;
  deleteChannel(name: string): void;
  /** Renames a channel; another channel may take the old name. */
  renameChannel(name: string, to: string): void;
  /** Sets a guild's boost level, and with it the limit for uploads. */
  boost(guild: { readonly guild?: string; readonly tier: Guild["premiumTier"] }): void;
}

export interface ModerationDeps {
  readonly world: World;
  readonly people: Pick<People, "channel">;
  readonly now: () => number;
  publish(events: readonly WorldEvent[]): void;
}

export function createModeration({ world, people, now, publish }: ModerationDeps): Moderation {
  const guildOf = (name: string | undefined): Guild => {
    for (const guild of world.guilds.values()) {
      if (name === undefined || guild.name === name || guild.id === name) return guild;
    }
    throw new RangeError(`Cannot find a guild called ${name ?? "anything"}`);
  };
  const inGuild = (name: string): GuildChannel => {
    const channel: Channel = people.channel(name);
    if ("guildId" in channel) return channel;
    throw new RangeError(`Cannot moderate ${name}: it is in no guild`);
  };
  const memberOf = (guild: Guild, who: string) => {
    for (const { userId } of guild.members.values()) {
      if (userId === who || world.users.get(userId)?.username === who) return userId;
    }
    throw new RangeError(`Cannot find ${who} in ${guild.name}`);
  };

  return {
    permit(change) {
      const { to, what, as, in: where, isMember = false } = change;
      const bit = what === "all" ? ALL_PERMISSIONS : PERMISSION[what];
      if (where === undefined) {
        const guild = guildOf(change.guild);
        const role = roleOf(guild, to);
        if (!role) throw new RangeError(`Cannot find a role called ${to} in ${guild.name}`);
        const permissions = as === "allowed" ? role.permissions | bit : role.permissions & ~bit;
        return publish([changeRole(guild, role, { permissions })]);
      }
      const channel = textChannelOf(inGuild(where), where);
      const guild = guildOf(channel.guildId);
      const role = isMember ? undefined : roleOf(guild, to);
      const whose = role
        ? { kind: "role" as const, id: role.id }
        : { kind: "member" as const, id: memberOf(guild, to) };
      const overwrites = changed(channel.overwrites, whose, bit, as);
      publish([changeChannel(world, channel, { overwrites })]);
    },
    setRoles({ who, guild: name, roles }) {
      const guild = guildOf(name);
      const ids = roles.map((wanted) => {
        const role = roleOf(guild, wanted);
        if (!role) throw new RangeError(`Cannot find a role called ${wanted} in ${guild.name}`);
        return role.id;
      });
      publish([changeRoles(guild, memberOf(guild, who), ids)]);
    },
    timeOut({ who, guild: name, until }) {
      const guild = guildOf(name);
      publish([changeTimeout(guild, memberOf(guild, who), until)]);
    },
    invite({ who, guild: name }) {
      const guild = guildOf(name);
      const user = [...world.users.values()].find(({ id, username }) =>
        id === who || username === who
      );
      if (!user) throw new RangeError(`Cannot invite ${who}: no account has this name or id`);
      publish([joinGuild(world, guild, user.id, now())]);
    },
    kick({ who, guild: name }) {
      const guild = guildOf(name);
      publish([leaveGuild(guild, memberOf(guild, who))]);
    },
    setThread({ in: name, ...change }) {
      const thread = inGuild(name);
      if (thread.kind !== "thread") throw new RangeError(`Cannot lock ${name}: it is no thread`);
      publish([changeThread(world, thread, change)]);
    },
    deleteChannel(name) {
      deleteChannel(world, inGuild(name), (event) => publish([event]));
    },
    renameChannel(name, to) {
      publish([changeChannel(world, textChannelOf(inGuild(name), name), { name: to })]);
    },
    boost({ guild, tier }) {
      publish([changeBoosts(guildOf(guild), tier)]);
    },
  };
}

function roleOf(guild: Guild, name: string): Role | undefined {
  for (const role of guild.roles.values()) if (role.name === name) return role;
  return undefined;
}

function textChannelOf(channel: GuildChannel, name: string): TextChannel {
  if (channel.kind !== "thread") return channel;
  throw new RangeError(`Cannot change ${name}: it is a thread, not a channel`);
}

function changed(
  overwrites: readonly Overwrite[],
  whose: Pick<Overwrite, "kind" | "id">,
  bit: bigint,
  as: PermissionChange["as"],
): readonly Overwrite[] {
  const before = overwrites.find(({ kind, id }) => kind === whose.kind && id === whose.id);
  const after: Overwrite = {
    ...whose,
    allow: as === "allowed" ? (before?.allow ?? 0n) | bit : (before?.allow ?? 0n) & ~bit,
    deny: as === "denied" ? (before?.deny ?? 0n) | bit : (before?.deny ?? 0n) & ~bit,
  };
  return [...overwrites.filter((overwrite) => overwrite !== before), after];
}
