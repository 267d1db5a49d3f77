/**
 * Reads users, the bot's guilds and their members, and the facts of one guild that an action depends on: roles, channels and
 * members, each once per action.
 *
 * Trying a forbidden request instead is risky, because too many refusals ban the whole address. So
 * three requests read the settings of all channels at once.
 *
 * @see {@link https://docs.discord.com/developers/resources/channel}
 */

import { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../../core/discord/ids.ts";
import {
  bits as bitsText,
  closingFlag,
  listed,
  listOf,
  optional,
  snowflakeSchema,
  snowflakeSchema as snowflake,
  textOr,
} from "../../../core/discord/lenient.ts";
import type { FoundMember, Named } from "../../../core/inbound/inbound.ts";
import { type Channel, CHANNEL_KINDS, isThread } from "../../../core/rights/rights.ts";
import type { GuildFacts, MemberFacts, RoleFacts } from "../../../core/rights/rights.ts";
import { once } from "../../../lib/cache.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { expect, RestError } from "../exchange/rest_error.ts";

const accountSchema = z.lazy(() =>
  z.object({
    id: snowflakeSchema<"user">(),
    username: optional(z.string()),
    discriminator: optional(z.string()),
    bot: closingFlag,
  }).transform(({ id, discriminator, bot, ...user }): FoundMember => {
    const username = user.username ?? id;
    const hasTag = discriminator && !/^0*$/.test(discriminator);
    return {
      userId: id,
      username,
      tag: hasTag ? `${username}#${discriminator}` : undefined,
      isBot: bot ? true : undefined,
    };
  })
);

/**
 * Reads a user's account; `undefined` if Discord has no such user.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/user#get-user}
 */
export async function readUser(
  api: RestApi,
  userId: UserId,
): Promise<{ readonly username: string; readonly tag?: string } | undefined> {
  try {
    const user = await api.request("GET", `/users/${userId}`);
    const { username, tag } = expect("GET /users/:id", accountSchema, user);
    return { username, tag };
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

/** Whether Discord has no such object. Only Discord's own errors have a code. */
function isUnknown(error: unknown): boolean {
  return error instanceof RestError && error.kind === "not_found" && error.code !== undefined;
}

export interface Member {
  /** Without `@everyone`. */
  readonly roles: readonly RoleId[];
  /**
   * End of a timeout, Unix time in milliseconds; it may be in the past. A member whom Discord keeps
   * from writing otherwise has one without an end: pending, or in quarantine.
   */
  readonly timedOutUntil?: number;
}

/** Ranks decide, so no role may be missing. Some servers send whole roles. */
const roleIds = z.lazy(() =>
  z.array(
    snowflakeSchema<"role">().or(
      z.object({ id: snowflakeSchema<"role">() }).transform(({ id }) => id),
    ),
  )
);

/** Flags of a member: AutoMod has quarantined their name, or their guild tag. */
const QUARANTINED = 1 << 7 | 1 << 10;

/** The last moment of a `Date`. */
const MAX_DATE_MS = 8.64e15;

const memberSchema = z.lazy(() =>
  z.object({
    roles: roleIds,
    communication_disabled_until: z.string().nullish(),
    flags: optional(z.number()),
    pending: closingFlag,
  }).transform(({ roles, communication_disabled_until, flags = 0, pending }): Member => {
    if (pending || flags & QUARANTINED) return { roles, timedOutUntil: MAX_DATE_MS };
    const timedOutUntil = Date.parse(communication_disabled_until ?? "");
    return { roles, timedOutUntil: !Number.isNaN(timedOutUntil) ? timedOutUntil : undefined };
  })
);

/**
 * Reads a member; `undefined` if the user is not in the guild.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-member}
 */
export async function readMember(
  api: RestApi,
  guildId: GuildId,
  userId: UserId,
  options: RequestOptions = {},
): Promise<Member | undefined> {
  try {
    const member = await api.request("GET", `/guilds/${guildId}/members/${userId}`, options);
    return expect("GET /guilds/:id/members/:id", memberSchema, member);
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

const MAX_QUERY = 100;
const MAX_LIMIT = 1_000;

/** A name counts only if all members with it are known, so none is left out. */
const foundSchema = z.lazy(() =>
  z.array(z.object({ user: accountSchema }).transform(({ user }): FoundMember => user))
);

/**
 * Finds members by the beginning of their username, nickname or display name.
 *
 * @param query The beginning; no name has more than 100 characters.
 * @param limit Maximum number of results, up to 1,000; more members may match.
 * @throws {RestError} If Discord does not answer, or refuses: `forbidden` without the intent for
 * members.
 * @see {@link https://docs.discord.com/developers/resources/guild#search-guild-members}
 */
export async function searchMembers(
  api: RestApi,
  guildId: GuildId,
  query: string,
  options: RequestOptions = {},
  limit: number = MAX_LIMIT,
): Promise<readonly FoundMember[]> {
  if (query === "" || query.length > MAX_QUERY) return [];
  const parameters = new URLSearchParams({ query, limit: String(limit) });
  const path = `/guilds/${guildId}/members/search?${parameters}`;
  const answer = await api.request("GET", path, options);
  return expect("GET /guilds/:id/members/search", foundSchema, answer);
}

interface ChannelInfo {
  /** Absent for a direct channel. */
  readonly guildId?: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
  /** Untrusted; absent for direct channels of one person. */
  readonly name?: string;
}

const placeSchema = z.object({
  guild_id: snowflakeSchema<"guild">().nullish(),
  type: optional(z.number()),
  name: optional(z.string()),
  parent_id: snowflakeSchema<"channel">().nullish(),
});

/**
 * Reads a channel's place.
 *
 * @throws {RestError} `not_found`, or `forbidden` for a hidden channel.
 * @see {@link https://docs.discord.com/developers/resources/channel#get-channel}
 */
export async function readPlace(
  api: RestApi,
  channelId: ChannelId,
  options: RequestOptions = {},
): Promise<ChannelInfo> {
  const answer = await api.request("GET", `/channels/${channelId}`, options);
  const { guild_id, parent_id, type, name } = expect("GET /channels/:id", placeSchema, answer);
  return {
    guildId: guild_id || undefined,
    name,
    parentId: type !== undefined && isThread({ type }) && parent_id || undefined,
  };
}

/** As {@link readPlace}: `"hidden"` for a channel that the bot may not see, `undefined` for none. */
export async function findChannel(
  api: RestApi,
  channelId: ChannelId,
): Promise<ChannelInfo | "hidden" | undefined> {
  try {
    return await readPlace(api, channelId);
  } catch (error) {
    if (!(error instanceof RestError) || error.code === undefined) throw error;
    if (error.kind === "forbidden") return "hidden";
    if (error.kind === "not_found") return undefined;
    throw error;
  }
}

const idSchema = z.object({ id: snowflakeSchema<"channel">() });

/**
 * Opens the direct channel of a user; a repeated call returns the same channel. An open channel does
 * not mean that the user accepts messages: only sending one tells (50007).
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/user#create-dm}
 */
export async function openDirect(api: RestApi, userId: UserId): Promise<ChannelId> {
  const answer = await api.request("POST", "/users/@me/channels", {
    body: { recipientId: userId },
  });
  return expect("POST /users/@me/channels", idSchema, answer).id;
}

const HAS_THREAD = 160004;

/** The times after which Discord archives a thread, in minutes. */
const ARCHIVE_AFTER = [60, 1_440, 4_320, 10_080];

/** The next time that Discord knows, for a time in minutes. */
function archiveDuration(minutes: number): number {
  return ARCHIVE_AFTER.find((allowed) => allowed >= minutes) ?? 10_080;
}

/**
 * Opens the thread of a message. At Discord, it has the id of the message.
 *
 * @param minutes Rounded up to a time that Discord knows.
 * @returns `existed` if the message has a thread already: a repeated request changes nothing.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function beginThread(
  api: RestApi,
  channelId: ChannelId,
  messageId: MessageId,
  name: string,
  minutes: number,
): Promise<{ readonly threadId: ChannelId; readonly existed: boolean }> {
  const autoArchiveDuration = archiveDuration(minutes);
  try {
    const path = `/channels/${channelId}/messages/${messageId}/threads`;
    const answer = await api.request("POST", path, { body: { name, autoArchiveDuration } });
    const { id } = expect("POST /channels/:id/messages/:id/threads", idSchema, answer);
    return { threadId: id, existed: false };
  } catch (error) {
    const hasThread = error instanceof RestError && error.code === HAS_THREAD;
    const threadId = hasThread ? parseSnowflake<"channel">(messageId) : undefined;
    if (threadId === undefined) throw error;
    return { threadId, existed: true };
  }
}

/**
 * Adds a person to a thread; again changes nothing.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function joinThread(api: RestApi, threadId: ChannelId, userId: UserId): Promise<void> {
  await api.request("PUT", `/channels/${threadId}/thread-members/${userId}`);
}

/**
 * Archives a thread; again changes nothing. The next message there opens it.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function archiveThread(api: RestApi, threadId: ChannelId): Promise<void> {
  await api.request("PATCH", `/channels/${threadId}`, { body: { archived: true } });
}

const bits = bitsText.transform(BigInt);

/** A role with everything that rights depend on. Ranks decide, so a role that does not fit is an error. */
const roleSchema = z.lazy(() =>
  z.object({
    id: snowflake<"role">(),
    name: textOr("without a name"),
    permissions: bits,
    position: z.number().nullish().transform((position) => position ?? 0),
    managed: closingFlag,
    tags: optional(z.object({ bot_id: optional(z.string()) })),
  }).transform(({ managed, tags, ...role }): RoleFacts => ({
    ...role,
    isManaged: managed ?? false,
    ...(tags?.bot_id !== undefined && { isOfBot: true }),
  }))
);

/** Ranks decide, so no role may be missing. */
const guildSchema = z.lazy(() =>
  z.object({ owner_id: snowflake<"user">(), roles: z.array(roleSchema) })
);

/** One that cannot be read may close the channel, so all must fit. */
const overwriteSchema = z.object({ id: snowflake<never>(), allow: bits, deny: bits });

const channelPayload = z.lazy(() =>
  z.object({
    id: snowflake<"channel">(),
    type: z.number(),
    guild_id: snowflake<"guild">().nullish(),
    name: optional(z.string()),
    parent_id: optional(snowflake<"channel">()),
    topic: optional(z.string()),
    position: optional(z.number()),
    nsfw: closingFlag,
    rate_limit_per_user: optional(z.number()),
    permission_overwrites: z.array(overwriteSchema).nullish(),
    last_message_id: optional(snowflake<"message">()),
    owner_id: optional(snowflake<"user">()),
    available_tags: listOf(z.object({ id: snowflake(), name: textOr(""), moderated: closingFlag })),
    thread_metadata: optional(z.object({ archived: optional(z.boolean()), locked: closingFlag })),
  })
);

const channelSchema = channelPayload.transform(toChannel);

/** Without a channel that does not fit, its rights are unknown, so no person has any there. */
const listedSchema = listed(channelSchema);

/** Reads a channel in Discord's own form; `undefined` if it has another one. */
export function channelOf(raw: unknown): Channel | undefined {
  return channelSchema.safeParse(raw).data;
}

function toChannel(read: z.infer<typeof channelPayload>): Channel {
  const { id, type, thread_metadata: thread } = read;
  return {
    id,
    type,
    guildId: read.guild_id || undefined,
    name: read.name ?? "",
    parentId: read.parent_id || undefined,
    topic: read.topic || undefined,
    position: read.position ?? 0,
    isNsfw: read.nsfw ?? false,
    slowmodeSec: read.rate_limit_per_user ?? 0,
    overwrites: read.permission_overwrites ?? [],
    lastMessageId: read.last_message_id || undefined,
    tags: (read.available_tags ?? []).map(({ moderated: isModerated, ...tag }) => ({
      ...tag,
      isModerated: isModerated ?? false,
    })),
    thread: isThread({ type })
      ? {
        isArchived: thread?.archived ?? false,
        isLocked: thread?.locked ?? false,
        ownerId: read.owner_id || undefined,
      }
      : undefined,
  };
}

/**
 * Reads a channel or thread.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function readChannel(
  api: RestApi,
  channelId: ChannelId,
  options: RequestOptions = {},
): Promise<Channel> {
  const answer = await api.request("GET", `/channels/${channelId}`, options);
  return expect("GET /channels/:id", channelSchema, answer);
}

const userSchema = z.lazy(() => z.object({ username: z.string() }));

const UNKNOWN_BAN = 10026;

/** Creates the reads of one guild. A fact that was read once stays the same. */
export function createGuildReads(api: RestApi, guildId: GuildId, options: RequestOptions = {}) {
  const members = new Map<UserId, Promise<MemberFacts | undefined>>();
  const get = (path: string) => api.request("GET", path, options);

  const facts = once(async () => {
    const guild = expect("GET /guilds/:id", guildSchema, await get(`/guilds/${guildId}`));
    return { guildId, ownerId: guild.owner_id, roles: guild.roles };
  });
  const channels = once(async () => {
    const answer = await get(`/guilds/${guildId}/channels`);
    const all = expect("GET /guilds/:id/channels", listedSchema, answer);
    return new Map(all.map((channel) => [channel.id, { ...channel, guildId }]));
  });
  return {
    facts,
    /** All channels without threads, by id. */
    channels,
    /** A member; `undefined` if the user is not in the guild. */
    async member(userId: UserId): Promise<MemberFacts | undefined> {
      const known = members.get(userId) ??
        readMember(api, guildId, userId, options).then((found) => found && { userId, ...found });
      members.set(userId, known);
      return await known;
    },
    async isBanned(userId: UserId): Promise<boolean> {
      try {
        await get(`/guilds/${guildId}/bans/${userId}`);
        return true;
      } catch (error) {
        if (error instanceof RestError && error.code === UNKNOWN_BAN) return false;
        throw error;
      }
    },
    /** Name of a user, also of one who is not in the guild. */
    async username(userId: UserId): Promise<string> {
      return expect("GET /users/:id", userSchema, await get(`/users/${userId}`)).username;
    },
    async isInThread(threadId: ChannelId, userId: UserId): Promise<boolean> {
      try {
        await get(`/channels/${threadId}/thread-members/${userId}`);
        return true;
      } catch (error) {
        if (error instanceof RestError && error.kind === "not_found") return false;
        throw error;
      }
    },
  };
}

/** Reads a guild. Each method rejects with a `RestError` if Discord does not answer, or refuses. */
export type GuildReads = ReturnType<typeof createGuildReads>;

export function isPrivateThread({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.privateThread;
}

interface OwnGuild extends Named<GuildId> {
  /** The bot's permissions in the guild as a whole; absent if Discord does not report them. */
  readonly permissions?: bigint;
}

/** Maximum number of guilds in one response; a bot may be in many more. */
const PAGE = 200;

const guildsSchema = z.lazy(() =>
  z.array(
    z.object({
      id: snowflake<"guild">(),
      name: optional(z.string()),
      permissions: optional(bits),
    }).transform(({ id, name, permissions }): OwnGuild => ({ id, name: name ?? id, permissions })),
  )
);

/**
 * Lists all guilds of the bot.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/resources/user#get-current-user-guilds}
 */
export async function listGuilds(api: RestApi): Promise<readonly OwnGuild[]> {
  const guilds = new Map<GuildId, OwnGuild>();
  for (let after = "0";;) {
    const answer = await api.request("GET", `/users/@me/guilds?limit=${PAGE}&after=${after}`);
    const page = expect("GET /users/@me/guilds", guildsSchema, answer);
    const before = guilds.size;
    for (const guild of page) guilds.set(guild.id, guild);
    // A server that repeats the same page must not cause an endless loop.
    const last = page.at(-1);
    if (!last || page.length < PAGE || guilds.size === before) return [...guilds.values()];
    after = last.id;
  }
}

export interface GuildPermissions {
  readonly guild: GuildFacts;
  /** Absent if the user is not a member. */
  readonly member?: MemberFacts;
  /** All channels, without threads. */
  readonly channels: ReadonlyMap<ChannelId, Channel>;
}

/**
 * Reads the permission settings of a guild, for one user.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type ReadGuildPermissions = (guildId: GuildId, userId: UserId) => Promise<GuildPermissions>;

/**
 * Creates a {@link ReadGuildPermissions}.
 *
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild}
 * @see {@link https://docs.discord.com/developers/resources/guild#get-guild-channels}
 */
export function createReadGuildPermissions(
  api: RestApi,
  options: RequestOptions = {},
): ReadGuildPermissions {
  /** Calls at the same time share their requests: a model may call many tools in one answer. */
  const running = new Map<string, Promise<GuildPermissions>>();

  async function read(guildId: GuildId, userId: UserId): Promise<GuildPermissions> {
    const reads = createGuildReads(api, guildId, options);
    const guild = await reads.facts();
    const member = await reads.member(userId);
    return { guild, member, channels: await reads.channels() };
  }

  return (guildId, userId) => {
    const key = `${guildId} ${userId}`;
    const known = running.get(key);
    if (known) return known;
    const reading = read(guildId, userId).finally(() => running.delete(key));
    running.set(key, reading);
    return reading;
  };
}
