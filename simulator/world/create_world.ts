/** Makes the places and people of a world. */

import type { ApplicationId, ChannelId, UserId } from "../../src/core/discord/ids.ts";
import { invitePermissions } from "../../src/core/invite.ts";
import { createMedia } from "./media.ts";
import { createNonceTable } from "./nonces.ts";
import { DEFAULT_PERMISSIONS } from "./permissions.ts";
import { nextId, toSnowflake } from "./snowflake.ts";
import {
  type Application,
  directChannel,
  type Guild,
  type Member,
  type Overwrite,
  type PrivateChannel,
  type Role,
  type Team,
  type TeamMember,
  type TextChannel,
  type Thread,
  type User,
  type Webhook,
  type World,
} from "./world.ts";

export interface WorldLimits {
  /** Milliseconds for which a nonce is remembered. */
  readonly nonceWindowMs: number;
  /** Messages kept in each channel. */
  readonly keptPerChannel: number;
}

/** A world without people. */
export function createWorld({ nonceWindowMs, keptPerChannel }: WorldLimits): World {
  return {
    ids: { last: 0n },
    users: new Map(),
    applications: new Map(),
    guilds: new Map(),
    channels: new Map(),
    webhooks: new Map(),
    interactions: new Map(),
    nonces: createNonceTable(nonceWindowMs),
    interactionMs: 3_000,
    media: createMedia(),
    mediaUrl: "https://cdn.discordapp.com",
    keptPerChannel,
  };
}

/** @param now Unix time in milliseconds; it becomes part of the id, here and below. */
export function addUser(
  world: World,
  fields: Pick<User, "username"> & Partial<Omit<User, "id">>,
  now: number,
): User {
  const user = { id: nextId<"user">(world.ids, now), isBot: false, acceptsDms: true, ...fields };
  world.users.set(user.id, user);
  return user;
}

/** Makes an application and its bot user, which has the same id, as for Discord's newer ones. */
export function addApplication(
  world: World,
  { username, ownerId, privilegedIntents, team }: {
    readonly username: string;
    readonly ownerId: UserId;
    readonly privilegedIntents: number;
    readonly team?: Team;
  },
  now: number,
): Application {
  const user = addUser(world, { username, isBot: true, acceptsDms: false }, now);
  const application: Application = {
    id: toSnowflake<"application">(user.id),
    userId: user.id,
    // Of this run alone: a bot whose simulator was killed keeps the lock of its token.
    token: `${btoa(user.id).replaceAll("=", "")}.simula.no-secret-${crypto.randomUUID()}`,
    ownerId,
    privilegedIntents,
    commands: [],
    guildCommands: new Map(),
    ...(team && { team }),
  };
  world.applications.set(application.id, application);
  return application;
}

/** A team of the developer portal; its owner is a member, too. */
export function addTeam(
  world: World,
  { name, ownerId, members = [] }: {
    readonly name: string;
    readonly ownerId: UserId;
    readonly members?: readonly TeamMember[];
  },
  now: number,
): Team {
  const owner = { userId: ownerId, hasAccepted: true, role: "admin" as const };
  return { id: nextId<"team">(world.ids, now), name, ownerId, members: [owner, ...members] };
}

/** Makes a guild with its owner and the `@everyone` role, which has the guild's id. */
export function addGuild(
  world: World,
  { name, ownerId }: { readonly name: string; readonly ownerId: UserId },
  now: number,
): Guild {
  const id = nextId<"guild">(world.ids, now);
  const everyone: Role = {
    id: toSnowflake<"role">(id),
    name: "@everyone",
    permissions: DEFAULT_PERMISSIONS,
    isMentionable: false,
  };
  const guild: Guild = {
    id,
    name,
    ownerId,
    everyoneRoleId: everyone.id,
    roles: new Map([[everyone.id, everyone]]),
    members: new Map(),
    channelIds: new Set(),
    things: {
      emojis: new Map(),
      stickers: new Map(),
      events: new Map(),
      bans: new Set(),
      voice: new Map(),
      unindexed: 0,
    },
    premiumTier: 0,
  };
  world.guilds.set(id, guild);
  addMember(guild, { userId: ownerId, joinedAt: now });
  return guild;
}

export function addRole(
  world: World,
  guild: Guild,
  fields: Pick<Role, "name"> & Partial<Omit<Role, "id">>,
  now: number,
): Role {
  const role = {
    id: nextId<"role">(world.ids, now),
    permissions: 0n,
    isMentionable: false,
    ...fields,
  };
  guild.roles.set(role.id, role);
  return role;
}

export function addMember(
  guild: Guild,
  fields: Pick<Member, "userId" | "joinedAt"> & Partial<Member>,
): Member {
  const member = { roles: [], ...fields };
  guild.members.set(member.userId, member);
  return member;
}

/**
 * Invites a bot by the link of `barnacle invite`: it joins with its managed role, which has its
 * name and exactly the permissions of the link.
 */
export function addBot(world: World, guild: Guild, { userId }: Application, now: number): Member {
  const name = world.users.get(userId)?.username ?? "bot";
  const permissions = BigInt(invitePermissions());
  const role = addRole(world, guild, { name, botId: userId, permissions }, now);
  return addMember(guild, { userId, joinedAt: now, roles: [role.id] });
}

export function addChannel(
  world: World,
  guild: Guild,
  fields:
    & {
      readonly name: string;
      readonly kind?: TextChannel["kind"];
      readonly topic?: string;
      readonly isAgeRestricted?: boolean;
      readonly overwrites?: readonly Overwrite[];
    }
    & Pick<
      TextChannel,
      "parentId" | "position" | "isAgeRestricted" | "slowmodeSec" | "tags" | "userLimit" | "region"
    >,
  now: number,
): TextChannel {
  const channel: TextChannel = {
    kind: "text",
    overwrites: [],
    ...fields,
    id: nextId<"channel">(world.ids, now),
    guildId: guild.id,
    messages: new Map(),
  };
  world.channels.set(channel.id, channel);
  guild.channelIds.add(channel.id);
  return channel;
}

export function addThread(
  world: World,
  parent: TextChannel,
  { name, ownerId, id, archiveAfterMin = 1_440, tagIds }: {
    readonly name: string;
    readonly ownerId: UserId;
    /** That of the message which it starts from; a new one by default. */
    readonly id?: ChannelId;
    readonly archiveAfterMin?: number;
    readonly tagIds?: Thread["tagIds"];
  },
  now: number,
): Thread {
  const thread: Thread = {
    kind: "thread",
    id: id ?? nextId<"channel">(world.ids, now),
    guildId: parent.guildId,
    parentId: parent.id,
    name,
    ownerId,
    members: new Set([ownerId]),
    archiveAfterMin,
    isArchived: false,
    isLocked: false,
    ...(tagIds && { tagIds }),
    messages: new Map(),
  };
  world.channels.set(thread.id, thread);
  world.guilds.get(parent.guildId)?.channelIds.add(thread.id);
  return thread;
}

/** Finds or makes the channel in which two users talk alone. */
export function openDirectChannel(world: World, a: UserId, b: UserId, now: number): PrivateChannel {
  return directChannel(world, a, b) ?? addPrivateChannel(world, "dm", [a, b], now);
}

export function addPrivateChannel(
  world: World,
  kind: PrivateChannel["kind"],
  recipients: readonly UserId[],
  now: number,
): PrivateChannel {
  const id = nextId<"channel">(world.ids, now);
  const channel: PrivateChannel = { kind, id, recipients, messages: new Map() };
  world.channels.set(id, channel);
  return channel;
}

/**
 * @param applicationId Set if an application makes it, such as PluralKit.
 * @param channelId Its channel, whose managers may read it.
 */
export function addWebhook(
  world: World,
  name: string,
  now: number,
  applicationId?: ApplicationId,
  channelId?: ChannelId,
): Webhook {
  const id = nextId<"webhook">(world.ids, now);
  const webhook: Webhook = {
    id,
    name,
    ...(applicationId && { applicationId }),
    ...(channelId && { channelId }),
  };
  world.webhooks.set(webhook.id, webhook);
  return webhook;
}
