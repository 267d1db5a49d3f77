/**
 * Keeps the names of guilds, channels and roles, and the last message of each channel, with the schemas
 * of Discord's payloads about them (G16). They contain only the fields that Barnacle uses.
 *
 * Dispatches change the index. The store keeps it as one text per guild, because Discord sends no
 * GUILD_CREATE after a restart with RESUME. The bot has left a guild if a GUILD_DELETE without
 * `unavailable` says so, or if a READY does not list it. An outage of a guild does not mean that.
 *
 * After a READY, the known state of its guilds is outdated until their GUILD_CREATEs arrive. The
 * store keeps that, too. A process that dies between the two resumes, and must not take old last
 * messages for current ones.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
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
  bits,
  closingFlag,
  createChecker,
  listOf,
  listOrEmpty,
  optional,
  snowflakeSchema as snowflake,
  textOr,
} from "../../../core/discord/lenient.ts";
import type { GuildSnapshot } from "../../../core/inbound/inbound.ts";
import { slug } from "../../../core/names.ts";
import {
  type GuildFacts,
  isThread,
  mayAllRead,
  permissionBits,
} from "../../../core/rights/rights.ts";
import { oncePer } from "../../../lib/cache.ts";

/** A parsed dispatch; its data is not validated yet. */
export interface Dispatch {
  readonly t: string;
  /** Sequence number within the session. */
  readonly s: number;
  readonly d: unknown;
}

/** A payload that does not have the expected shape. */
export interface DecodeProblem {
  readonly kind: "problem";
  /** Names fields, and never their contents. */
  readonly why: string;
}

/** The problem of a payload; `what` names it if no field of it is to blame. */
export function problemOf({ issues }: z.ZodError, what: string): DecodeProblem {
  return { kind: "problem", why: `${issues[0]?.path.join(".") || what} does not fit` };
}

/** A user, as far as a sender needs it. Without a name, the id stands for it: no rule names it so. */
export const userPayload = z.lazy(() =>
  z.object({
    id: snowflake<"user">(),
    username: optional(z.string()),
    discriminator: optional(z.string()),
    /** The display name; any person can take any. */
    global_name: optional(z.string()),
    bot: closingFlag,
    system: closingFlag,
  }).transform(({ username, ...user }) => ({ ...user, username: username ?? user.id }))
);

/** Roles of a member. One that cannot be read may be the one that closes something. */
export const roleIds = z.array(snowflake<"role">()).optional();

const channelFields = () => ({
  id: snowflake<"channel">(),
  type: z.number(),
  name: optional(z.string()),
  flags: optional(z.number()),
  topic: optional(z.string()),
  /** Whether the channel is age-restricted; threads do not have it. */
  nsfw: closingFlag,
  parent_id: optional(snowflake<"channel">()),
  /** `guild_index.ts` reads them. */
  permission_overwrites: z.unknown().optional(),
  /** `null` if the channel never had a message. A malformed id counts as absent. */
  last_message_id: snowflake<"message">().nullish().catch(undefined),
  thread_metadata: optional(z.object({ archived: optional(z.boolean()) })),
});
export const channelPayload = z.lazy(() => z.object(channelFields()));
export type ChannelPayload = z.infer<typeof channelPayload>;

export const rolePayload = z.lazy(() =>
  z.object({
    id: snowflake<"role">(),
    name: optional(z.string()),
    permissions: optional(bits),
    tags: optional(z.object({ bot_id: optional(snowflake<"user">()) })),
  })
);
export type RolePayload = z.infer<typeof rolePayload>;

const ofGuild = { guild_id: snowflake<"guild">() };

export const guildPayload = z.lazy(() =>
  z.object({
    id: snowflake<"guild">(),
    name: optional(z.string()),
    premium_tier: optional(z.number()),
    owner_id: optional(snowflake<"user">()),
    roles: listOf(rolePayload),
    /** Discord lists the bot itself, and others only with more intents. */
    members: z.unknown().optional(),
    channels: listOf(channelPayload),
    threads: listOf(channelPayload),
  })
);
export type GuildPayload = z.infer<typeof guildPayload>;
/** A guild of READY or GUILD_DELETE, perhaps with an outage. */
export const unavailablePayload = z.object({
  id: snowflake<"guild">(),
  unavailable: optional(z.boolean()),
});
/** A channel or thread of an event; a direct message channel has no guild. */
export const guildChannelPayload = z.lazy(() =>
  z.object({ ...channelFields(), guild_id: optional(snowflake<"guild">()) })
);
export const deletedChannelPayload = z.lazy(() =>
  z.object({ id: snowflake<"channel">(), guild_id: optional(snowflake<"guild">()) })
);
export const threadListPayload = z.lazy(() =>
  z.object({ ...ofGuild, threads: listOrEmpty(channelPayload) })
);
export const guildRolePayload = z.lazy(() => z.object({ ...ofGuild, role: rolePayload }));
export const roleDeletePayload = z.lazy(() =>
  z.object({ ...ofGuild, role_id: snowflake<"role">() })
);

/** A member, of whom only the roles count. */
export const memberPayload = z.lazy(() =>
  z.object({ user: z.object({ id: snowflake<"user">() }), roles: roleIds })
);
export const memberUpdatePayload = z.lazy(() => memberPayload.unwrap().extend(ofGuild));

const readyList = listOf(unavailablePayload);

/** The guilds of a READY, which GUILD_CREATE brings again; `isWhole` unless some do not fit. */
const readyGuilds = z.unknown().optional().transform((given) => {
  const listed = readyList.parse(given) ?? [];
  return { listed, isWhole: Array.isArray(given) && listed.length === given.length };
});

/** A READY. Only the session and the bot's id must fit: without them, the bot would be deaf. */
export const readyPayload = z.object({
  session_id: z.string(),
  resume_gateway_url: textOr(""),
  user: z.object({ id: snowflake<"user">(), username: textOr("") }),
  /** As above. A bot's application has the id of its user, except for the oldest bots. */
  application: optional(z.object({ id: snowflake<"application">() })),
  guilds: readyGuilds,
});
export type ReadyPayload = z.infer<typeof readyPayload>;

const KEPT = Flag.ADMINISTRATOR | Flag.VIEW_CHANNEL | Flag.ATTACH_FILES;

const overwrite = z.lazy(() => z.object({ id: snowflake(), allow: bits, deny: bits }));

/** The settings that decide, as the store keeps them. */
export const keptPermissions = z.lazy(() =>
  z.object({
    isOwner: z.boolean(),
    /** The bot's roles, without `@everyone`; absent while unknown. */
    ownRoles: z.array(snowflake<"role">()).optional(),
    roles: z.record(z.string(), z.object({ id: snowflake<"role">(), bits })),
    channels: z.record(z.string(), z.array(overwrite)),
  })
);
export type KeptPermissions = z.infer<typeof keptPermissions>;

const rolesOf = ({ roles }: KeptPermissions) =>
  Object.values(roles).map(({ id, bits }) => (
    { id, permissions: BigInt(bits), name: "", position: 0, isManaged: false }
  ));

const overwritesOf = ({ channels }: KeptPermissions, channelId: ChannelId) =>
  (channels[channelId] ?? []).map((one) => (
    { id: one.id, allow: BigInt(one.allow), deny: BigInt(one.deny) }
  ));

/** Whether the bot may attach files in a channel that is no thread. Unknown settings allow it. */
function mayAttach(
  kept: KeptPermissions,
  { guildId, channelId }: { readonly guildId: GuildId; readonly channelId: ChannelId },
  userId: UserId,
): boolean {
  const { isOwner, ownRoles: memberRoles } = kept;
  if (isOwner || !memberRoles) return true;
  const bot = { guildId, ownerId: undefined, roles: rolesOf(kept), userId, memberRoles };
  return (permissionBits(bot, overwritesOf(kept, channelId)) & Flag.ATTACH_FILES) !== 0n;
}

/** Whether all who see one channel see another one; `false` if single members decide it. */
export function doAllSee(
  kept: KeptPermissions,
  guild: Omit<GuildFacts, "roles">,
  place: ChannelId,
  source: ChannelId,
): boolean {
  const read = (id: ChannelId) => ({ overwrites: overwritesOf(kept, id), isVoice: false });
  const roles = rolesOf(kept);
  return mayAllRead({ ...guild, roles }, read(place), read(source), new Map(), 0, []);
}

/** Reads roles; `undefined` if one has no permissions in its payload. */
export function toKeptRoles(roles: readonly RolePayload[]): KeptPermissions["roles"] | undefined {
  if (roles.some(({ permissions }) => permissions === undefined)) return undefined;
  return Object.fromEntries(
    roles.map(({ id, permissions = "0" }) => [id, { id, bits: keptOf(permissions) }]),
  );
}

const checkOverwrite = createChecker(overwrite);

/** Reads the channels with overwrites of these permissions. Malformed ones are left out. */
export function toKeptChannels(channels: readonly ChannelPayload[]): KeptPermissions["channels"] {
  return Object.fromEntries(channels.flatMap(({ id: channelId, permission_overwrites: given }) => {
    const kept = (Array.isArray(given) ? given : []).flatMap((one) => {
      const { id, allow = "0", deny = "0" } = checkOverwrite(one).data ?? {};
      const bits = { allow: keptOf(allow), deny: keptOf(deny) };
      return id === undefined || bits.allow === bits.deny ? [] : [{ id, ...bits }];
    });
    return kept.length === 0 ? [] : [[channelId, kept]];
  }));
}

const checkMember = createChecker(memberPayload);

/** Finds the roles of the bot in a list of members; `undefined` if the bot is not in it. */
export function ownRolesIn(members: unknown, self: UserId | undefined): RoleId[] | undefined {
  if (!Array.isArray(members) || self === undefined) return undefined;
  for (const member of members) {
    const { user, roles = [] } = checkMember(member).data ?? {};
    if (user?.id === self) return [...roles];
  }
  return undefined;
}

function keptOf(permissions: string): string {
  return String(BigInt(permissions) & KEPT);
}

export interface IndexedChannel {
  readonly id: ChannelId;
  /** Discord's channel type. */
  readonly type: number;
  /** Current name, bounded; the id if Discord tells none, as of a channel that the bot may not view. */
  readonly name: string;
  /** A thread's channel, or a channel's category. */
  readonly parentId?: ChannelId;
  /** The channel's topic, bounded; absent if it has none. */
  readonly topic?: string;
  /** Whether it is age-restricted; a thread has this setting of its channel. */
  readonly isAgeRestricted?: true;
  /**
   * The last message as of the guild's GUILD_CREATE, which may be deleted since. `"none"` if the
   * channel had no message. Absent if unknown.
   */
  readonly lastMessageId?: MessageId | "none";
}

export interface Guild {
  readonly id: GuildId;
  /** Current name, bounded; the id if the guild is not described yet. */
  readonly name: string;
  /** Channels, and threads that are not archived. */
  readonly channels: ReadonlyMap<ChannelId, IndexedChannel>;
  readonly roles: ReadonlyMap<RoleId, string>;
  /** The role that Discord created for this bot; mentioning it mentions the bot. */
  readonly ownRole?: RoleId;
  /** Maximum size of an uploaded file in bytes; absent while the boost level is unknown. */
  readonly uploadLimitBytes?: number;
  /** Settings about attached files (R12a) and about who sees its channels; absent while unknown. */
  readonly kept?: KeptPermissions;
  /** Set while its GUILD_CREATE is due: after a READY that lists it, or during an outage. */
  readonly isAwaited?: true;
  /** Set if another guild of the bot shares its name; never stored. */
  readonly hasNamesake?: true;
}

export type GuildIndex = ReadonlyMap<GuildId, Guild>;

const MIB = 1024 * 1024;

/** Maximum size of an uploaded file in bytes, in direct messages and in guilds without boosts. */
export const DEFAULT_UPLOAD_LIMIT_BYTES = 10 * MIB;

/**
 * Maximum size of an uploaded file, by the guild's boost level.
 *
 * @see {@link https://docs.discord.com/developers/reference#uploading-files}
 */
export function uploadLimitOfTier(premiumTier?: number): { readonly uploadLimitBytes?: number } {
  if (premiumTier === undefined) return {};
  if (premiumTier >= 3) return { uploadLimitBytes: 100 * MIB };
  return { uploadLimitBytes: premiumTier === 2 ? 50 * MIB : DEFAULT_UPLOAD_LIMIT_BYTES };
}

/** Maximum size of an uploaded file in bytes (R12); without a guild that of direct messages. */
export function uploadLimitOf(index: GuildIndex, guildId?: GuildId): number {
  const guild = guildId && index.get(guildId);
  return (guild && guild.uploadLimitBytes) ?? DEFAULT_UPLOAD_LIMIT_BYTES;
}

/**
 * Whether the bot may attach files in a place (R12a). Direct messages allow them. So does a place
 * with unknown settings.
 *
 * @param self The bot's user id; `undefined` before the first READY.
 */
export function takesFiles(
  index: GuildIndex,
  { guildId, channelId }: { readonly guildId?: GuildId; readonly channelId: ChannelId },
  self: UserId | undefined,
): boolean {
  const { kept, channels } = (guildId && index.get(guildId)) ?? {};
  const channel = channels?.get(channelId);
  if (!guildId || !kept || !channel || !self) return true;
  const home = isThread(channel) ? channel.parentId : channelId;
  return home === undefined || mayAttach(kept, { guildId, channelId: home }, self);
}

/** Version of the texts in the store. */
const VERSION = 2;

const text = z.string();

/** A guild's text in the store. The keys are short, because there is a row for each channel. */
const snapshotText = z.object({
  v: z.literal(VERSION),
  name: text,
  own: text.optional(),
  roles: z.array(z.tuple([text, text])),
  awaited: z.literal(true).optional(),
  /** Maximum upload in bytes. */
  upload: z.number().optional(),
  kept: keptPermissions.optional(),
  /** Age-restricted channels. */
  nsfw: z.array(text).optional(),
  /** The last item is the last message: `""` if there is none, `null` if it is unknown. */
  channels: z.array(
    z.tuple([text, z.number(), text, text.nullable(), text.nullable(), text.nullable()]),
  ),
});

type SnapshotText = z.infer<typeof snapshotText>;

export function snapshotOf(guild: Guild): GuildSnapshot {
  const restricted = Array.from(guild.channels.values())
    .flatMap(({ id, isAgeRestricted }) => isAgeRestricted ? [id] : []);
  const text: SnapshotText = {
    v: VERSION,
    name: guild.name,
    own: guild.ownRole,
    awaited: guild.isAwaited ? true : undefined,
    upload: guild.uploadLimitBytes,
    kept: guild.kept,
    nsfw: restricted.length > 0 ? restricted : undefined,
    roles: Array.from(guild.roles),
    channels: Array.from(guild.channels.values(), rowOf),
  };
  return { guildId: guild.id, text: JSON.stringify(text) };
}

function rowOf(channel: IndexedChannel): SnapshotText["channels"][number] {
  const { id, type, name, parentId, topic, lastMessageId: last } = channel;
  const lastMessage = last === "none" ? "" : last ?? null;
  return [id, type, name, parentId ?? null, topic ?? null, lastMessage];
}

/**
 * Whether two states of a guild have the same text for the store.
 *
 * People can open and close threads at any rate. So channels, of which there may be a thousand, are
 * compared one by one, and no text is made of them.
 */
export function isStoredAlike(one: Guild, other: Guild): boolean {
  if (one.channels.size !== other.channels.size) return false;
  const others = other.channels.values();
  for (const channel of one.channels.values()) {
    const { value } = others.next();
    if (value !== channel && (!value || !isChannelAlike(channel, value))) return false;
  }
  const restOf = (guild: Guild) => snapshotOf({ ...guild, channels: new Map() }).text;
  return restOf(one) === restOf(other);
}

function isChannelAlike(one: IndexedChannel, other: IndexedChannel): boolean {
  return one.isAgeRestricted === other.isAgeRestricted &&
    JSON.stringify(rowOf(one)) === JSON.stringify(rowOf(other));
}

/**
 * Reads texts of {@link snapshotOf}.
 *
 * A text of another version is dropped. The guild is then unknown, and its names are ids, until its
 * next GUILD_CREATE. Only a new session is sure to bring one.
 *
 * @returns The guilds whose texts could be read, and the ids of the others.
 */
export function restoreIndex(
  snapshots: readonly GuildSnapshot[],
): { readonly index: GuildIndex; readonly dropped: readonly GuildId[] } {
  const index = new Map<GuildId, Guild>();
  const dropped: GuildId[] = [];
  for (const { guildId, text } of snapshots) {
    if (text === undefined) continue;
    const guild = readSnapshot(guildId, text);
    if (guild) index.set(guildId, guild);
    else dropped.push(guildId);
  }
  return { index: markNamesakes(index), dropped };
}

function readSnapshot(guildId: GuildId, text: string): Guild | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // treated like a text of another version
  }
  const parsed = snapshotText.safeParse(json);
  if (!parsed.success) return undefined;
  const { name, own, roles, channels, awaited, upload, kept, nsfw } = parsed.data;
  const restricted = new Set(nsfw);
  const ownRole = own === undefined ? undefined : parseSnowflake<"role">(own);
  return {
    id: guildId,
    name,
    roles: new Map(roles.flatMap(([digits, roleName]): [RoleId, string][] => {
      const id = parseSnowflake<"role">(digits);
      return id ? [[id, roleName]] : [];
    })),
    channels: new Map(channels.flatMap((row) => {
      const channel = toChannel(row, restricted.has(row[0]));
      return channel ? [[channel.id, channel] as const] : [];
    })),
    ownRole: ownRole || undefined,
    isAwaited: awaited || undefined,
    uploadLimitBytes: upload,
    kept,
  };
}

function toChannel(
  [digits, type, name, parent, topic, last]: SnapshotText["channels"][number],
  isAgeRestricted: boolean,
): IndexedChannel | undefined {
  const id = parseSnowflake<"channel">(digits);
  const parentId = parseSnowflake<"channel">(parent ?? "");
  const lastMessageId = last === "" ? "none" : parseSnowflake<"message">(last ?? "");
  return id && {
    id,
    type,
    name,
    parentId: parentId || undefined,
    topic: topic ?? undefined,
    isAgeRestricted: isAgeRestricted || undefined,
    lastMessageId: lastMessageId || undefined,
  };
}

interface MarkedGuild {
  readonly name: string;
  /** Set if an entry by name could mean this guild and another one. */
  readonly hasNamesake?: true;
}

/** Marks the guilds anew. Guilds whose mark stays are the same objects as before. */
export function markNamesakes<Guild extends MarkedGuild>(
  index: ReadonlyMap<GuildId, Guild>,
): ReadonlyMap<GuildId, Guild> {
  const counts = new Map<string, number>();
  for (const guild of index.values()) {
    const key = keyOf(guild);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const marked = new Map(index);
  for (const [id, guild] of index) {
    const isShared = (counts.get(keyOf(guild)) ?? 0) > 1;
    if (isShared === (guild.hasNamesake === true)) continue;
    const { hasNamesake: _, ...rest } = guild;
    marked.set(id, { ...rest, hasNamesake: isShared || undefined } as Guild);
  }
  return marked;
}

export function mayChangeMarks<Guild extends MarkedGuild>(
  before: ReadonlyMap<GuildId, Guild>,
  after: ReadonlyMap<GuildId, Guild>,
  changed: Iterable<GuildId>,
): boolean {
  if (before.size !== after.size) return true;
  return Array.from(changed).some((id) => {
    const [old, current] = [before.get(id), after.get(id)];
    return old?.name !== current?.name || old?.hasNamesake !== current?.hasNamesake;
  });
}

/** Two guilds that one entry could mean by name have the same key. Guild objects never change. */
const keyOf = oncePer(({ name }: MarkedGuild) => computeKey(name));

function computeKey(name: string): string {
  return slug(name) || name.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, "-");
}
