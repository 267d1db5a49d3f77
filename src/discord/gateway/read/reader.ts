/**
 * Turns dispatches into events.
 *
 * It keeps the index of guilds and the bot's identity, which decoding needs. Both start from the
 * store, because a RESUME does not bring them again.
 *
 * The index keeps few fields and bounds texts, because a bot may be in thousands of guilds.
 */

import { z } from "zod";
import {
  type AccountId,
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../../core/discord/ids.ts";
import { createChecker, optional, snowflakeSchema } from "../../../core/discord/lenient.ts";
import type {
  GatewaySession,
  GuildSnapshot,
  InboundBatch,
  InboundEvent,
  Named,
  Self,
  SessionStarted,
} from "../../../core/inbound/inbound.ts";
import { isThread } from "../../../core/rights/rights.ts";
import { bounded, isRecord, parseForeignJson } from "../../../lib/text/quoted.ts";
import {
  decodeEdit,
  type DecodeFacts,
  decodeMessage,
  decodeServerEvent,
  OTHER_EVENTS,
  type People,
} from "../decode/decode.ts";
import { decodeInteraction } from "../decode/decode_interaction.ts";
import {
  type ChannelPayload,
  type DecodeProblem,
  deletedChannelPayload,
  type Dispatch,
  type Guild,
  guildChannelPayload,
  type GuildIndex,
  type GuildPayload,
  guildPayload,
  guildRolePayload,
  type IndexedChannel,
  isStoredAlike,
  type KeptPermissions,
  markNamesakes,
  mayChangeMarks,
  memberUpdatePayload,
  ownRolesIn,
  type ReadyPayload,
  readyPayload,
  restoreIndex,
  roleDeletePayload,
  type RolePayload,
  snapshotOf,
  threadListPayload,
  toKeptChannels,
  toKeptRoles,
  unavailablePayload,
  uploadLimitOfTier,
} from "../decode/guild_index.ts";
import type { DispatchBatch } from "../link/protocol.ts";
import type { EVENT_TYPES, GUILD_TYPES } from "./intents.ts";
import type { VoiceIndex } from "./voice_index.ts";

/** Characters; Discord's own limits are 100 for names and 4,096 for a forum's topic. */
const MAX_NAME = 100;
const MAX_TOPIC = 1_024;

/** Converts the guild of a GUILD_CREATE; `self` is the bot's user id. */
function toGuild(guild: GuildPayload, self: UserId | undefined): Guild {
  const channels = [...guild.channels ?? [], ...guild.threads ?? []].filter(isLive);
  return {
    id: guild.id,
    name: toName(guild.name ?? guild.id),
    channels: new Map(channels.map((channel) => [channel.id, toChannel(channel)])),
    ...toRoles(guild.roles ?? [], self),
    ...uploadLimitOfTier(guild.premium_tier),
    ...keptOf(guild, self),
  };
}

/** Reads the kept settings; none if the payload lacks the permissions of a role. */
function keptOf(
  guild: GuildPayload,
  self: UserId | undefined,
): { readonly kept?: KeptPermissions } {
  const roles = guild.roles && toKeptRoles(guild.roles);
  if (!roles) return {};
  const ownRoles = ownRolesIn(guild.members, self);
  return {
    kept: {
      isOwner: self !== undefined && guild.owner_id === self,
      ...(ownRoles && { ownRoles }),
      roles,
      channels: toKeptChannels(guild.channels ?? []),
    },
  };
}

function toName(name: string): string {
  return bounded(name, MAX_NAME);
}

/**
 * Whether a thread is not archived. Discord sends an archived one again when a message opens it.
 */
function isLive({ thread_metadata }: ChannelPayload): boolean {
  return thread_metadata?.archived !== true;
}

/**
 * Adds or replaces a channel. It keeps the last message of the GUILD_CREATE: no code needs a newer
 * one, and storing it would cost a write.
 */
function putChannel(channels: Map<ChannelId, IndexedChannel>, payload: ChannelPayload): void {
  const { lastMessageId: reported, ...channel } = toChannel(payload);
  const lastMessageId = channels.get(channel.id)?.lastMessageId ?? reported;
  channels.set(channel.id, { ...channel, ...(lastMessageId && { lastMessageId }) });
  if (channels.size <= MAX_CHANNELS) return;
  const oldest = channels.values().find(isThread);
  if (oldest) channels.delete(oldest.id);
}

/** Discord's own limits: 500 channels of a guild, and 1,000 threads that are not archived. */
const MAX_CHANNELS = 1_500;

/** Discord's flag of a channel that the bot may not view. Its name is the same for all of them. */
const OBFUSCATED = 1 << 17;

function toChannel(
  { id, type, name, flags = 0, parent_id, topic, nsfw, last_message_id: last }: ChannelPayload,
): IndexedChannel {
  return {
    id,
    type,
    name: toName(flags & OBFUSCATED ? id : name ?? id),
    ...(parent_id && { parentId: parent_id }),
    ...(topic && { topic: bounded(topic, MAX_TOPIC) }),
    ...(nsfw && { isAgeRestricted: true }),
    ...(last !== undefined && { lastMessageId: last ?? "none" }),
  };
}

/** Creates an entry for a guild without a description yet. */
function namelessGuild(id: GuildId): Guild {
  return { id, name: id, channels: new Map(), roles: new Map() };
}

function toRoles(roles: readonly RolePayload[], self: UserId | undefined) {
  const own = roles.find((role) => isOwnRole(role, self));
  return {
    roles: new Map(roles.map(({ id, name }) => [id, toName(name ?? id)])),
    ...(own && { ownRole: own.id }),
  };
}

function isOwnRole({ tags }: RolePayload, self: UserId | undefined): boolean {
  return self !== undefined && tags?.bot_id === self;
}

interface IndexChange {
  /** The new index; the same object if nothing changed. */
  readonly index: GuildIndex;
  /** Guilds to store again. The bot has left those that the new index does not have. */
  readonly changed: readonly GuildId[];
  /** Set if the payload has an unexpected shape; the rest of it may have changed the index. */
  readonly problem?: string;
}

/** Reads the bot's own identity from READY; `undefined` if READY has an unexpected shape. */
export function readSelf(d: unknown): Self | undefined {
  const ready = readyPayload.safeParse(d, { jitless: true }); // compiling takes longer
  if (!ready.success) return undefined;
  const { user, application } = ready.data;
  const applicationId = application?.id ?? parseSnowflake<"application">(user.id);
  return applicationId && { userId: user.id, applicationId, username: user.username };
}

/** Applies one dispatch. Dispatches of types that are not about guilds change nothing. */
export function applyDispatch(
  index: GuildIndex,
  { t, d }: Dispatch,
  self: UserId | undefined,
): IndexChange {
  return CHANGES_BY_TYPE.get(t)?.(index, d, self) ?? unchanged(index);
}

type ApplyPayload = (index: GuildIndex, d: unknown, self: UserId | undefined) => IndexChange;

/** Wraps a change so that it gets only payloads that fit the schema. */
function parsed<Schema extends z.ZodType>(
  schema: Schema,
  change: (index: GuildIndex, payload: z.infer<Schema>, self: UserId | undefined) => IndexChange,
): ApplyPayload {
  const check = createChecker(schema);
  return (index, d, self) => {
    const result = check(d);
    if (result.success) return change(index, result.data, self);
    const where = result.error.issues[0]?.path.join(".") ?? "";
    return { ...unchanged(index), problem: `${where} does not fit` };
  };
}

const ready = parsed(readyPayload, (index, payload) => {
  const leftGuilds = guildsLeft(payload, index.keys());
  const { isWhole } = payload.guilds;
  const rest = new Map(without(index, leftGuilds));
  const listed = payload.guilds.listed.map(({ id }) => id);
  for (const id of listed) {
    rest.set(id, { ...rest.get(id) ?? namelessGuild(id), isAwaited: true });
  }
  const changed = [...leftGuilds, ...listed];
  return { index: rest, changed, problem: isWhole ? undefined : "guilds does not fit" };
});

const guildDescribed = parsed(
  guildPayload,
  (index, guild, self) => replaced(index, toGuild(guild, self)),
);

const guildCreate: ApplyPayload = (index, d, self) =>
  isUnavailable(d) ? unchanged(index) : guildDescribed(index, d, self);

const guildUpdate = parsed(
  guildPayload,
  (index, update, self) =>
    within(index, update.id, (guild) => ({
      ...guild,
      ...(update.name !== undefined && { name: toName(update.name) }),
      ...(update.roles && toRoles(update.roles, self)),
      ...uploadLimitOfTier(update.premium_tier),
      ...withKept(guild, () => {
        const roles = update.roles && toKeptRoles(update.roles);
        return roles && { roles };
      }),
    })),
);

const guildDelete = parsed(unavailablePayload, (index, { id, unavailable }) => {
  if (unavailable) return within(index, id, (guild) => ({ ...guild, isAwaited: true }));
  return index.has(id) ? { index: without(index, [id]), changed: [id] } : unchanged(index);
});

const rolePut = parsed(
  guildRolePayload,
  (index, { guild_id, role }, self) =>
    within(index, guild_id, (guild) => ({
      ...guild,
      roles: new Map(guild.roles).set(role.id, toName(role.name ?? role.id)),
      ...(isOwnRole(role, self) && { ownRole: role.id }),
      ...withKept(guild, ({ roles }) => ({ roles: { ...roles, ...toKeptRoles([role]) } })),
    })),
);

const roleDelete = parsed(
  roleDeletePayload,
  (index, { guild_id, role_id }) =>
    within(index, guild_id, ({ ownRole, ...guild }) => {
      const roles = new Map(guild.roles);
      roles.delete(role_id);
      return {
        ...guild,
        roles,
        ownRole: ownRole && ownRole !== role_id ? ownRole : undefined,
        ...withKept(guild, ({ roles: { [role_id]: _, ...rest } }) => ({ roles: rest })),
      };
    }),
);

const memberUpdate = parsed(
  memberUpdatePayload,
  (index, member, self) =>
    within(index, member.guild_id, (guild) => ({
      ...guild,
      ...withKept(guild, () => {
        const ownRoles = ownRolesIn([member], self);
        return ownRoles && { ownRoles };
      }),
    })),
);

const channelPut = parsed(
  guildChannelPayload,
  (index, channel) =>
    within(index, channel.guild_id, (guild) => {
      const channels = new Map(guild.channels);
      if (isLive(channel)) putChannel(channels, channel);
      else channels.delete(channel.id);
      return { ...guild, channels, ...withKept(guild, (kept) => overwritten(kept, channel)) };
    }),
);

const channelDelete = parsed(
  deletedChannelPayload,
  (index, { id, guild_id }) =>
    within(index, guild_id, (guild) => {
      const channels = new Map(guild.channels);
      channels.delete(id);
      return {
        ...guild,
        channels,
        ...withKept(guild, ({ channels: { [id]: _, ...rest } }) => ({ channels: rest })),
      };
    }),
);

const threadListSync = parsed(
  threadListPayload,
  (index, { guild_id, threads }) =>
    within(index, guild_id, (guild) => {
      const channels = new Map(guild.channels);
      for (const thread of threads.filter(isLive)) putChannel(channels, thread);
      return { ...guild, channels };
    }),
);

const CHANGES: Readonly<Record<(typeof GUILD_TYPES)[number], ApplyPayload>> = {
  READY: ready,
  GUILD_CREATE: guildCreate,
  GUILD_UPDATE: guildUpdate,
  GUILD_DELETE: guildDelete,
  GUILD_ROLE_CREATE: rolePut,
  GUILD_ROLE_UPDATE: rolePut,
  GUILD_ROLE_DELETE: roleDelete,
  GUILD_MEMBER_UPDATE: memberUpdate,
  CHANNEL_CREATE: channelPut,
  CHANNEL_UPDATE: channelPut,
  CHANNEL_DELETE: channelDelete,
  THREAD_CREATE: channelPut,
  THREAD_UPDATE: channelPut,
  THREAD_DELETE: channelDelete,
  THREAD_LIST_SYNC: threadListSync,
};

const CHANGES_BY_TYPE: ReadonlyMap<string, ApplyPayload> = new Map(Object.entries(CHANGES));

/**
 * Returns the known guilds that a READY does not list: the bot has left them. A list that does not
 * fit as a whole may lack others.
 */
function guildsLeft(
  { guilds }: ReadyPayload,
  known: Iterable<GuildId>,
): readonly GuildId[] {
  if (!guilds.isWhole) return [];
  const listed = new Set(guilds.listed.map(({ id }) => id));
  return [...known].filter((id) => !listed.has(id));
}

function unchanged(index: GuildIndex): IndexChange {
  return { index, changed: [] };
}

function within(
  index: GuildIndex,
  id: GuildId | undefined,
  change: (guild: Guild) => Guild,
): IndexChange {
  const guild = id && index.get(id);
  return guild ? replaced(index, change(guild)) : unchanged(index);
}

/** Replaces a guild. If its snapshot stays the same, the store needs no update. */
function replaced(index: GuildIndex, guild: Guild): IndexChange {
  const before = index.get(guild.id);
  if (before && isStoredAlike(before, guild)) return unchanged(index);
  return { index: new Map(index).set(guild.id, guild), changed: [guild.id] };
}

function without(index: GuildIndex, ids: readonly GuildId[]): GuildIndex {
  if (ids.length === 0) return index;
  const rest = new Map(index);
  for (const id of ids) rest.delete(id);
  return rest;
}

/** Changes a guild's kept settings. Unknown settings stay unknown. */
function withKept(
  { kept }: Guild,
  change: (kept: KeptPermissions) => Partial<KeptPermissions> | undefined,
): { readonly kept?: KeptPermissions } {
  return kept ? { kept: { ...kept, ...change(kept) } } : {};
}

/** Without the field, a payload says nothing about the overwrites. */
function overwritten(
  { channels }: KeptPermissions,
  channel: ChannelPayload,
): Partial<KeptPermissions> | undefined {
  if (channel.permission_overwrites === undefined) return undefined;
  const { [channel.id]: _, ...others } = channels;
  return { channels: { ...others, ...toKeptChannels([channel]) } };
}

function isUnavailable(d: unknown): boolean {
  return isRecord(d) && d.unavailable === true;
}

/**
 * The type of changes of members. Without the intent for members, Discord sends it only about
 * the bot itself; with that intent, about all members.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#list-of-intents}
 */
const MEMBER_UPDATE = "GUILD_MEMBER_UPDATE";

const OF_GUILD: ReadonlySet<string> = new Set(["GUILD_CREATE", "GUILD_UPDATE"]);

const WITHIN_GUILD: ReadonlySet<string> = new Set([
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_UPDATE", // may unlock or unarchive a thread
  "THREAD_LIST_SYNC", // makes a channel visible again
]);

const joinedPayload = z.object({
  id: snowflakeSchema<"guild">(),
  name: optional(z.string()),
  unavailable: optional(z.boolean()),
});
const withinPayload = z.object({ guild_id: snowflakeSchema<"guild">() });
const threadPayload = withinPayload.extend({ newly_created: optional(z.boolean()) });
const memberPayload = withinPayload.extend({ user: z.object({ id: snowflakeSchema<"user">() }) });

/**
 * Returns the guild in which a dispatch may change the bot's permissions.
 *
 * @param self The bot's user id; `undefined` before the first READY.
 * @returns `undefined` if there is none, or if the payload has an unexpected shape.
 */
function guildWithChangedPermissions(
  { t, d }: Dispatch,
  self: UserId | undefined,
): GuildId | undefined {
  if (WITHIN_GUILD.has(t)) return withinPayload.safeParse(d).data?.guild_id;
  if (OF_GUILD.has(t)) {
    const guild = joinedPayload.safeParse(d, { jitless: true }).data;
    return guild?.unavailable ? undefined : guild?.id;
  }
  if (t === "THREAD_CREATE") {
    const thread = threadPayload.safeParse(d).data; // for an old thread: the bot was added to it
    return thread?.newly_created ? undefined : thread?.guild_id;
  }
  if (t !== MEMBER_UPDATE) return undefined;
  const member = memberPayload.safeParse(d).data;
  return member && member.user.id === self ? member.guild_id : undefined;
}

const gonePayload = z.object({
  id: z.union([snowflakeSchema<"channel">(), snowflakeSchema<"guild">()]),
  unavailable: optional(z.boolean()),
});
const GONE: ReadonlySet<string> = new Set(["CHANNEL_DELETE", "THREAD_DELETE", "GUILD_DELETE"]);

/** The channel, thread or guild that a dispatch takes from the bot; `undefined` if it takes none. */
function placeGone({ t, d }: Dispatch): ChannelId | GuildId | undefined {
  const gone = GONE.has(t) ? gonePayload.safeParse(d, { jitless: true }).data : undefined;
  return gone?.unavailable ? undefined : gone?.id;
}

/**
 * Returns the guild that the bot joined by this dispatch.
 *
 * @param index The index before the dispatch.
 * @param unread Guilds of the bot that the index lacks, because their snapshots could not be read.
 */
export function joinedGuild(
  { t, d }: Dispatch,
  index: GuildIndex,
  unread: readonly GuildId[],
): Named<GuildId> | undefined {
  if (t !== "GUILD_CREATE") return undefined;
  const guild = joinedPayload.safeParse(d, { jitless: true }).data; // compiling takes longer
  if (!guild || guild.unavailable || index.has(guild.id) || unread.includes(guild.id)) {
    return undefined; // `applyDispatch` reports a payload with an unexpected shape
  }
  return { id: guild.id, name: bounded(guild.name ?? guild.id, MAX_NAME) };
}

type Decode = (dispatch: Dispatch, facts: DecodeFacts) => InboundEvent | DecodeProblem | undefined;

type EventType = (typeof EVENT_TYPES)[number];

/** Decoders whose types the gateway thread passes on: without its type, no decoder would run. */
const passedOn = <Type extends EventType>(decoders: Readonly<Record<Type, Decode>>) => decoders;

/** Decoders of the dispatches that become events. All others change only the index of guilds. */
const DECODERS: Readonly<Record<EventType, Decode>> = {
  MESSAGE_CREATE: ({ d }, { accountId, self, index, people }) =>
    self
      ? decodeMessage(d, { accountId, self, index, people })
      : { kind: "problem", why: "came before READY" },
  MESSAGE_UPDATE: ({ d }, { accountId, self, index, people }) =>
    self ? decodeEdit(d, { accountId, self, index, people }) : undefined,
  INTERACTION_CREATE: ({ d }, facts) => decodeInteraction(d, facts),
  ...passedOn(OTHER_EVENTS),
};

const DECODERS_BY_TYPE: ReadonlyMap<string, Decode> = new Map(Object.entries(DECODERS));

interface ReadProblem {
  /** The dispatch's type; `"unknown"` if it has none. */
  readonly type: string;
  /** Names fields, and never their contents. */
  readonly why: string;
}

export function createReader(
  { accountId, self: storedSelf, guilds: stored, voice }: {
    readonly accountId: AccountId;
    /** The bot's identity from the store; absent before the first READY. */
    readonly self?: Self;
    readonly guilds: readonly GuildSnapshot[];
    /** Keeps who is in voice channels; absent: nothing needs it. */
    readonly voice?: VoiceIndex;
  },
  onProblem: (problem: ReadProblem) => void,
) {
  let self = storedSelf;
  let { index, dropped } = restoreIndex(stored);
  let problems = 0;
  const people: People = new Map();

  function report(problem: ReadProblem): void {
    problems++;
    onProblem(problem);
  }

  /** Returns the session of a READY; `undefined` if the READY has an unexpected shape. */
  function start({ d, s }: Dispatch): SessionStarted | undefined {
    const ready = readyPayload.safeParse(d, { jitless: true }); // compiling takes longer
    self = readSelf(d) ?? self;
    if (!ready.success || !self) return undefined;
    const { session_id: sessionId, resume_gateway_url: resumeUrl } = ready.data;
    const session: GatewaySession = { sessionId, resumeUrl, seq: s };
    return { kind: "session_started", session, self };
  }

  /** Reads a dispatch; one with an unexpected shape is skipped. @returns Guilds to store again. */
  function addDispatch(dispatch: Dispatch, events: InboundEvent[]): readonly GuildId[] {
    const facts = { accountId, self, index };
    const told = decodeServerEvent(dispatch, facts); // it may start a turn (W7)
    if (told) events.push(told);
    const decode = DECODERS_BY_TYPE.get(dispatch.t);
    if (!decode) return updateIndex(dispatch, events);
    const event = decode(dispatch, { ...facts, people });
    if (event && "why" in event) report({ type: dispatch.t, why: event.why });
    if (event && event.kind !== "problem") events.push(event);
    return [];
  }

  function updateIndex(dispatch: Dispatch, events: InboundEvent[]): readonly GuildId[] {
    const applied = applyDispatch(index, dispatch, self?.userId);
    const session = dispatch.t === "READY" ? start(dispatch) : undefined;
    if (session) events.push(session);
    voice?.apply(dispatch);
    const guild = self && joinedGuild(dispatch, index, dropped);
    if (guild) events.push({ kind: "guild_joined", guild });
    index = mayChangeMarks(index, applied.index, applied.changed)
      ? markNamesakes(applied.index)
      : applied.index;
    const guildId = guildWithChangedPermissions(dispatch, self?.userId);
    if (guildId) events.push({ kind: "permissions_changed", guildId });
    const gone = placeGone(dispatch);
    if (gone) events.push({ kind: "place_gone", id: gone });
    const { problem: why } = applied;
    if (why !== undefined) report({ type: dispatch.t, why });
    if (dispatch.t !== "READY" || why !== undefined) return applied.changed;
    const leftGuilds = guildsLeft(readyPayload.parse(dispatch.d, { jitless: true }), dropped);
    dropped = dropped.filter((id) => !leftGuilds.includes(id) && !index.has(id));
    return [...applied.changed, ...leftGuilds];
  }

  return {
    /** Reads a batch. Calls `onProblem` for a dispatch with an unexpected shape, and skips it. */
    read({ ticket, arrivedAt, seq, text, afterHole, isReplayed }: DispatchBatch): InboundBatch {
      const events: InboundEvent[] = [];
      let changed: readonly GuildId[] = [];
      if (text !== undefined) {
        const dispatch = parseForeignJson(text);
        if (isDispatch(dispatch)) changed = addDispatch(dispatch, events);
        else report({ type: "unknown", why: "no dispatch" });
      }
      voice?.wasRead();
      return {
        accountId,
        ticket,
        arrivedAt,
        afterHole: afterHole || undefined,
        isReplayed: isReplayed || undefined,
        seq,
        bytes: text?.length ?? 0,
        events,
        guilds: changed.map((guildId) => {
          const guild = index.get(guildId);
          return guild ? snapshotOf(guild) : { guildId, text: undefined };
        }),
      };
    },
    /** The bot's identity; `undefined` before the first READY. */
    get self(): Self | undefined {
      return self;
    },
    get index(): GuildIndex {
      return index;
    },
    /** `false` if a snapshot could not be read. Only a new session brings that guild again. */
    get isComplete(): boolean {
      return dropped.length === 0;
    },
    get problems(): number {
      return problems;
    },
  };
}

export type Reader = ReturnType<typeof createReader>;

/** Checked without a schema: a schema copies, which costs as much as parsing. */
function isDispatch(item: unknown): item is Dispatch {
  return typeof item === "object" && item !== null && "t" in item && typeof item.t === "string" &&
    "s" in item && typeof item.s === "number";
}
