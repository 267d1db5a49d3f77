/**
 * Reads users, the bot's guilds and their members, and the facts of one guild that an action depends
 * on: roles, channels and members, each once per action. Explains to the operator why the bot may not
 * post in a place: Discord's refusal says "Missing Permissions" and no more.
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
import {
  type Channel,
  CHANNEL_KINDS,
  deniedBy,
  type GuildFacts,
  inputsOf,
  isPermission,
  isThread,
  isVoice,
  type MemberFacts,
  missingRight,
  type Overwrite,
  type Permission,
  type RoleFacts,
} from "../../../core/rights/rights.ts";
import { once } from "../../../lib/cache.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { expect, isRefusal, RestError } from "../exchange/exchange.ts";

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
type ReadGuildPermissions = (guildId: GuildId, userId: UserId) => Promise<GuildPermissions>;

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

export interface Denial {
  /** Its name in Discord's settings: `"Send Messages"`. */
  readonly permission: Permission;
  /**
   * `"the role Krill"`, `"@everyone"`, `"the bot itself"`, `"no role grants it"`, `"a timeout"`.
   */
  readonly deniedBy: string;
  /** Without `#`. */
  readonly channelName?: string;
  /** `"cannot post in #ops: Send Messages is denied for the role Krill"` */
  readonly text: string;
}

export interface PostingChannel {
  readonly name: string;
  /** Discord's `ChannelTypes`. */
  readonly type: number;
  readonly overwrites: readonly Overwrite[];
}

export type PostingPlace =
  | { readonly kind: "channel"; readonly channel: PostingChannel }
  | {
    readonly kind: "thread";
    /** Empty if it is unknown. */
    readonly name: string;
    /** Absent if the guild does not list it. */
    readonly parent?: PostingChannel;
    readonly isLocked: boolean;
    /** Whether it is private, and the user is not in it. */
    readonly isOutside?: boolean;
  }
  /** A channel that the bot does not see, a thread in it, or a private thread without the bot. */
  | { readonly kind: "hidden" }
  | { readonly kind: "gone" };

/** Returns the permissions for a message, in the order in which Discord checks them. */
export function neededToPost(
  { hasFiles, isQuote }: { readonly hasFiles: boolean; readonly isQuote: boolean },
): readonly Permission[] {
  return [
    "View Channel",
    "Send Messages",
    ...(hasFiles ? ["Attach Files" as const] : []),
    ...(isQuote ? ["Read Message History" as const] : []),
  ];
}

/**
 * Finds the reason why the bot may not post. The decision is that of `missingRight()`; this function
 * finds the rule behind it.
 *
 * @param needed In order: the result names the first missing permission.
 * @param now Unix time in milliseconds, for a timeout of the bot's member.
 * @returns `undefined` if no permission is missing.
 */
export function findDenial(
  { guild, member }: GuildPermissions,
  place: PostingPlace,
  needed: readonly Permission[],
  now: number,
): Denial | undefined {
  if (!member) {
    return toDenial(
      "View Channel",
      "the bot is not in that server",
      "",
      (where) => `cannot post in ${where}: the bot is not in that server; invite it again`,
    );
  }
  if (place.kind === "gone") {
    return toDenial(
      "View Channel",
      "the channel is gone",
      "",
      (where) => `cannot post in ${where}: it was deleted`,
    );
  }
  if (place.kind === "hidden") {
    return toDenial(
      "View Channel",
      "a channel or a private thread",
      "",
      () =>
        "cannot post there: the bot may not see the channel, or it is a private thread without the bot",
    );
  }
  const { name, overwrites } = place.kind === "channel"
    ? place.channel
    : { name: place.name, overwrites: place.parent?.overwrites ?? [] };
  const thread = place.kind === "thread" &&
    { isLocked: place.isLocked, isPrivate: place.isOutside === true, hasMember: false };
  const needsConnect = place.kind === "channel" && isVoice(place.channel);
  const facts = { overwrites, thread: thread || undefined, isVoice: needsConnect };
  const missing = missingRight(guild, member, facts, needed, now);
  const [permission] = missing && "permissions" in missing ? missing.permissions : [];
  if (permission === undefined) return undefined;

  if (permission === "Manage Threads" && !needed.includes(permission)) {
    if (place.kind === "thread" && place.isOutside) {
      return toDenial(
        "View Channel",
        "the thread is private",
        name,
        (where) => `cannot post in ${where}: the thread is private, and the user is not in it`,
      );
    }
    return toDenial(
      needed.includes("Send Messages") ? "Send Messages in Threads" : permission,
      "the thread is locked",
      name,
      (where) => `cannot post in ${where}: the thread is locked; unlock it`,
    );
  }
  const rule = deniedBy(inputsOf(guild, member), overwrites, permission);
  if (!rule) {
    const until = new Date(member.timedOutUntil ?? now).toISOString();
    return toDenial(
      permission,
      "a timeout",
      name,
      (where) => `cannot post in ${where}: the bot is timed out until ${until}`,
    );
  }
  const act = failedAct(permission);
  if (rule.kind === "no_role") {
    return toDenial(
      permission,
      "no role grants it",
      name,
      (where) => `${act} in ${where}: ${permission} is missing; no role of the bot's grants it`,
    );
  }
  const whose = rule.kind === "everyone"
    ? "@everyone"
    : rule.kind === "member"
    ? "the bot itself"
    : roleNames(guild.roles, rule.ids);
  return toDenial(
    permission,
    whose,
    name,
    (where) => `${act} in ${where}: ${permission} is denied for ${whose}`,
  );
}

function failedAct(permission: Permission): string {
  return permission === "Attach Files" ? "cannot attach files" : "cannot post";
}

function roleNames(roles: GuildPermissions["guild"]["roles"], ids: readonly string[]): string {
  const names = roles.filter(({ id }) => ids.includes(id)).map(({ name }) => cleanName(name));
  return `the role${names.length === 1 ? "" : "s"} ${names.join(" and ")}`;
}

function toDenial(
  permission: Permission,
  rule: string,
  name: string,
  textFor: (where: string) => string,
): Denial {
  const channelName = name === "" ? undefined : cleanName(name);
  return {
    permission,
    deniedBy: rule,
    channelName,
    text: textFor(channelName === undefined ? "that channel" : `#${channelName}`),
  };
}

/** Removes control characters: users choose the names, and the texts go into logs as one line. */
function cleanName(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "").slice(0, MAX_NAME);
}

/** Maximum length in characters; Discord's own limit. */
const MAX_NAME = 100;

/**
 * Explains a refusal without a missing permission by Discord's error code, with a next step.
 *
 * @returns `undefined` for a code that says no more than Discord's own message.
 * @see {@link https://docs.discord.com/developers/topics/opcodes-and-status-codes#json}
 */
export function explainCode(code: number): string | undefined {
  return EXPLANATIONS.get(code);
}

/** Whether a code says that the bot lacks a permission, which the permissions may contradict. */
export function namesPermission(code: number): boolean {
  return code === 50001 || code === 50013;
}

const EXPLANATIONS: ReadonlyMap<number, string> = new Map([
  [10003, "the channel is gone"],
  [10004, "the bot is no longer in that server"],
  [
    20016,
    "the channel has slow mode, and the bot may not bypass it; grant it Manage Messages or Bypass Slowmode",
  ],
  [20026, "Discord has flagged the bot for spam; ask Discord's support"],
  [40003, "the bot opens direct messages too fast; Discord allows it again after a while"],
  [40058, "the author of the post must write its first message before anyone else can"],
  [50001, "the bot may not see the channel"],
  [
    50007,
    "the person accepts no messages from the bot: they have closed their direct messages, blocked " +
    "the bot, or share no server with it",
  ],
  [
    50008,
    "the channel accepts no messages; it is a category, a forum or a voice channel without text",
  ],
  [50009, "the server's verification level prevents the bot from writing there"],
  [50013, "a permission is missing"],
  [50083, "the thread is archived or locked; unlock it"],
  [50278, "the person shares no server with the bot; invite the bot to a server of theirs"],
  [160005, "the thread is locked; unlock it"],
  [160009, "a reply needs Read Message History there"],
  [160010, "a reply or forward cannot show a message of an age-restricted channel there"],
  [200000, "the server's AutoMod has blocked the text"],
  [200001, "the server's AutoMod has blocked a title in it"],
]);

/** A channel, and a user: the bot's own, or a person. */
interface PermissionQuery {
  readonly channelId: ChannelId;
  /**
   * Absent in direct messages, which have no permissions; there, only Discord's error code tells.
   */
  readonly guildId?: GuildId;
  readonly userId: UserId;
}

/**
 * Creates the search for the missing permission, and the rule that denies it. It finds `undefined` if
 * no permission is missing, or only Discord's error code can tell, and rejects with a `RestError`.
 *
 * @param now Unix time in milliseconds, for timeouts of members.
 */
export function createExplainDenial(api: RestApi, now: Clock["now"]) {
  const readGuildPermissions = createReadGuildPermissions(api);
  const readThread = createReadThread(api);
  return async (
    { channelId, guildId, userId }: PermissionQuery,
    needed: readonly Permission[],
  ): Promise<Denial | undefined> => {
    if (guildId === undefined) return undefined;
    const guild = await readOwnGuild(readGuildPermissions, guildId, userId);
    if (!guild.member) return findDenial(guild, { kind: "gone" }, needed, now());
    const channel = guild.channels.get(channelId);
    const place: PostingPlace = channel
      ? { kind: "channel", channel }
      : await readThread(channelId, guild, userId);
    return findDenial(guild, place, needed, now());
  };
}

/** Reads the guild. If the bot is not in it, that is a result here, not a failure. */
async function readOwnGuild(
  readGuildPermissions: ReadGuildPermissions,
  guildId: GuildId,
  userId: UserId,
): Promise<GuildPermissions> {
  try {
    return await readGuildPermissions(guildId, userId);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { guild: { guildId, ownerId: userId, roles: [] }, channels: new Map() };
  }
}

function createReadThread(api: RestApi) {
  return async (
    channelId: ChannelId,
    guild: GuildPermissions,
    userId: UserId,
  ): Promise<PostingPlace> => {
    try {
      const found = await readChannel(api, channelId);
      const { name, parentId, thread } = found;
      const parent = parentId && guild.channels.get(parentId);
      const isLocked = thread?.isLocked ?? false;
      const { isInThread } = createGuildReads(api, guild.guild.guildId);
      const isOutside = isPrivateThread(found) && !await isInThread(channelId, userId);
      return { kind: "thread", name, parent, isLocked, isOutside };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { kind: error.kind === "not_found" ? "gone" : "hidden" };
    }
  };
}

/** The permissions for reading a channel's history, most basic first. */
const NEEDED_TO_READ = [
  "View Channel",
  "Read Message History",
] as const satisfies readonly Permission[];

/**
 * Creates the check whether a user may read the history of a place. Only then does an empty page mean
 * that the channel has no messages. It rejects with a `RestError`.
 */
export function createCanReadHistory(api: RestApi) {
  const explain = createExplainDenial(api, () => 0); // a member in timeout can still read
  return async (place: PermissionQuery) => await explain(place, NEEDED_TO_READ) === undefined;
}

/**
 * Finds the first permission that a user lacks in a place; `undefined` if none, and in direct
 * messages, which have no permissions.
 *
 * @param needed By Discord's names. One that Barnacle does not know counts as missing.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
type FindMissingPermission = (
  place: PermissionQuery,
  needed: readonly string[],
) => Promise<string | undefined>;

export function createMissingPermission(api: RestApi, now: Clock["now"]): FindMissingPermission {
  const explain = createExplainDenial(api, now);
  return async (place, needed) => {
    if (place.guildId === undefined) return undefined;
    const unknown = needed.find((permission) => !isPermission(permission));
    if (unknown !== undefined) return unknown;
    return (await explain(place, needed.filter(isPermission)))?.permission;
  };
}

/**
 * Reads the permissions of all channels of a guild at once.
 *
 * @returns A function from a channel to its missing permissions: none, or the most basic one. For a
 * thread, the caller passes its parent.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export async function readMissingToRead(
  api: RestApi,
  guildId: GuildId,
  userId: UserId,
  options: RequestOptions = {},
): Promise<(channelId: ChannelId) => readonly Permission[]> {
  const { guild, member, channels } = await createReadGuildPermissions(api, options)(
    guildId,
    userId,
  );
  return (channelId) => {
    const channel = channels.get(channelId);
    if (!channel) return ["View Channel"]; // Discord does not list hidden channels
    const { overwrites } = channel; // a member in timeout can still read
    const missing = missingRight(guild, member, { overwrites }, NEEDED_TO_READ, 0);
    if (missing?.kind === "not_member") return ["View Channel"];
    return missing && "permissions" in missing ? missing.permissions : [];
  };
}
