/**
 * Finds the channel or server of a call of the tool `discord`, and checks the rights of the people
 * who ask there (T4, T5).
 */

import { z } from "zod";
import type { BotAccount } from "../../account/account.ts";
import { type ChannelId, type GuildId, type UserId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/lenient.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Decision } from "../../core/people/question.ts";
import {
  type Channel,
  CHANNEL_KINDS,
  describeMissing,
  isOpenToAll,
  isThread,
  isVoice,
  type MissingRight,
  missingRight,
  type Need,
  type Permission,
  type PlaceFacts,
  type SeenAt,
} from "../../core/rights/rights.ts";
import { isPressedBy, LacksRight } from "../../core/turn/discord_place.ts";
import type { DiscordCall } from "../../core/turn/discord_place.ts";
import { RefusedCall } from "../../core/turn/tool.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import {
  createGuildReads,
  explainCode,
  type GuildReads,
  isPrivateThread,
  namesPermission,
  readChannel,
} from "../../discord/rest/requests/guild_reads.ts";
import { once } from "../../lib/cache.ts";
import { closedBy } from "../judging/judge.ts";
import { isOwner } from "../owners/owner_ids.ts";
import { createReaders } from "./readers.ts";

export interface GuildTarget {
  readonly channelId: ChannelId;
  readonly guildId: GuildId;
  /** The channel of a thread; absent for other channels. */
  readonly parentId?: ChannelId;
}

/** A person for whom an action runs. */
export interface Asker {
  readonly userId: UserId;
  /** The question; absent for a command. */
  readonly message?: InboundMessage;
  /** Whether the person owns the bot. Rights at Discord bind owners only where they read. */
  readonly isOwner: boolean;
}

/** Where an action comes from: its people, and the place in which they ask. */
export interface Caller {
  readonly account: BotAccount;
  /** Other servers that it may reach, too: `tools.discord.alsoGuilds`; absent: none. */
  readonly alsoGuilds?: readonly string[];
  /** The people whose messages share the turn. */
  readonly askers: readonly Asker[];
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The decision of a person about the call; absent: no person was asked. */
  readonly decision?: Decision;
  /** The question in whose answer people read the result; absent: it shows nothing of Discord. */
  readonly shownTo?: InboundMessage;
  /** As {@link DiscordCall.sharesReads}. */
  readonly sharesReads?: object;
}

/** A place that an action may reach. */
export interface FoundTarget {
  /** Absent for the whole server. */
  readonly channelId?: ChannelId;
  /** The channel of a thread that is not the place of the turn; absent for other places. */
  readonly parentId?: ChannelId;
  /** Absent in direct messages, which have no rights. */
  readonly guild?: { readonly id: GuildId; readonly reads: GuildReads };
  /** The reader of direct messages that a call writes to; absent for other places. */
  readonly readerId?: UserId;
  /** Reads the channel; rejects for a whole server. */
  channel(): Promise<Channel>;
}

/** The people of a call, each once. */
export function callerOf(
  { account, message, also = [], decision, showsNothing, sharesReads }: Pick<
    DiscordCall,
    "account" | "message" | "also" | "decision" | "showsNothing" | "sharesReads"
  >,
): Caller {
  const askers = new Map<UserId, Asker>();
  for (const one of [message, ...also]) {
    const known = askers.get(one.sender.id);
    askers.set(one.sender.id, {
      userId: one.sender.id,
      message: one,
      isOwner: isOwner(account, one) && known?.isOwner !== false,
    });
  }
  const { channelId, guildId } = message;
  return {
    account,
    alsoGuilds: account.config().tools.discord.alsoGuilds,
    askers: [...askers.values()],
    channelId,
    guildId: guildId || undefined,
    decision,
    shownTo: showsNothing ? undefined : message,
    sharesReads,
  };
}

/** Finds a channel; absent: the channel of the turn. */
export async function channelAt(
  caller: Caller,
  channelId: ChannelId | undefined = caller.channelId,
): Promise<FoundTarget> {
  const { account: { rest } } = caller;
  const isHome = channelId === caller.channelId;
  if (isHome) {
    const { guildId } = caller;
    const guild = guildId && { id: guildId, reads: readsOf(caller, guildId) };
    const channel = once(async () =>
      (await guild?.reads.channels())?.get(channelId) ?? await readChannel(rest, channelId)
    );
    return { channelId, channel, guild };
  }
  const found = await readChannel(rest, channelId).catch((error: unknown) => {
    throw error instanceof RestError && error.code !== undefined ? outside(NO_CHANNEL) : error;
  });
  const { guildId } = found;
  if (guildId === undefined || !mayReach(caller, guildId)) {
    throw outside(caller.guildId === undefined ? ONLY_OWNERS : NO_CHANNEL);
  }
  return {
    channelId,
    parentId: isThread(found) ? found.parentId : undefined,
    channel: () => Promise.resolve(found),
    guild: { id: guildId, reads: readsOf(caller, guildId) },
  };
}

/** Finds a server; absent: the server of the turn. */
export function guildAt(
  caller: Caller,
  guildId: GuildId | undefined = caller.guildId,
): Promise<FoundTarget> {
  return Promise.try(() => {
    if (guildId === undefined) {
      throw outside(caller.askers.every(({ isOwner }) => isOwner) ? NEEDS_GUILD : ONLY_OWNERS);
    }
    if (!mayReach(caller, guildId)) {
      throw outside(caller.guildId === undefined ? ONLY_OWNERS : OTHER_GUILD);
    }
    return {
      channel: () => Promise.reject(new TypeError("A server is no channel")),
      guild: { id: guildId, reads: readsOf(caller, guildId) },
    };
  });
}

function mayReach({ alsoGuilds = [], askers, guildId }: Caller, target: GuildId): boolean {
  if (guildId === undefined) return askers.every(({ isOwner }) => isOwner);
  return guildId === target || alsoGuilds.includes(target);
}

/** A refusal of a target outside of the turn's reach. */
function outside(words: string): RefusedCall {
  return new RefusedCall("place", words);
}

const NO_CHANNEL = "there is no such channel in this server, or the bot may not see it; " +
  "`channelId` must be the id of a channel or thread of the server of this conversation";
const ONLY_OWNERS =
  "from direct messages, only an owner of the bot may act on servers and in other channels";
const OTHER_GUILD = "actions stay in the server of this conversation; leave out `guildId`";
const NEEDS_GUILD = "give `guildId`: in direct messages there is no server";

/** The facts of servers that calls share, and what is known of their readers. */
const shared = new WeakMap<object, Map<GuildId, GuildReads>>();
const readers = new WeakMap<GuildReads, ReturnType<typeof createReaders>>();

function readsOf({ account, sharesReads }: Caller, id: GuildId): GuildReads {
  if (!sharesReads) return createGuildReads(account.rest, id);
  const known = shared.get(sharesReads) ?? new Map<GuildId, GuildReads>();
  shared.set(sharesReads, known);
  const reads = known.get(id) ?? createGuildReads(account.rest, id);
  known.set(id, reads);
  return reads;
}

/**
 * Checks that each asker has rights in a place, by Discord's permissions and by the policy, and
 * that all readers of the answer may read it.
 */
export async function assertMay(
  caller: Caller,
  found: FoundTarget,
  needs: readonly Need[],
): Promise<void> {
  for (const { userId, isOwner } of caller.askers) {
    // A role may open channels, so an owner gives those that they could give by hand.
    const isBound = needs.some((one) => typeof one === "object" && one.kind === "above_role");
    if (!caller.shownTo && isOwner && !isBound) continue;
    const missing = await missingOf(userId, caller, found, needs);
    if (missing) throw new LacksRight(missing, undefined);
  }
  await assertOpen(caller, found);
  await assertShown(caller, found, needs);
}

async function missingOf(
  userId: UserId,
  caller: Caller,
  found: FoundTarget,
  needs: readonly Need[],
): Promise<MissingRight | undefined> {
  if (!found.guild) return undefined;
  const { reads } = found.guild;
  const place = await placeFor(caller, found, userId);
  return missingRight(
    await reads.facts(),
    await reads.member(userId),
    place,
    needs,
    caller.account.now(),
  );
}

/** The facts of a place for one member; `undefined` for a whole server. */
async function placeFor(
  caller: Caller,
  { channelId, guild, channel }: FoundTarget,
  userId: UserId,
): Promise<PlaceFacts | undefined> {
  if (channelId === undefined || !guild) return undefined;
  const found = await channel();
  const common = { isVoice: isVoice(found), hasSlowmode: found.slowmodeSec > 0 };
  if (!isThread(found)) return { ...common, overwrites: found.overwrites };
  const parent = found.parentId && (await guild.reads.channels()).get(found.parentId);
  if (!parent) throw outside(NO_CHANNEL); // without its parent, its overwrites are unknown
  const isHome = channelId === caller.channelId;
  const isPrivate = isPrivateThread(found);
  return {
    ...common,
    overwrites: parent.overwrites,
    thread: {
      isPrivate,
      isLocked: found.thread?.isLocked ?? false,
      hasMember: isPrivate && (isHome || await guild.reads.isInThread(channelId, userId)),
    },
  };
}

/** The config may close a channel to the bot, or open it to some people only. */
async function assertOpen(
  { account, askers, channelId: here }: Caller,
  found: FoundTarget,
): Promise<void> {
  const { channelId, guild } = found;
  if (channelId === undefined || channelId === here || !guild) return;
  const channel = await found.channel();
  const parentId = isThread(channel) ? channel.parentId : undefined;
  for (const { message, isOwner } of askers) {
    const target = { channelId, guildId: guild.id, parentId: parentId || undefined };
    const rule = message && closedBy(account, message, target);
    if (rule === undefined) continue;
    const where = isOwner ? `, by ${rule}` : "";
    throw new RefusedCall(
      "policy",
      `the access rules of the bot close that channel to this person${where}`,
    );
  }
}

/** The one rule of tools that read: an answer shows a channel only to people who may read it. */
async function assertShown(
  { account, shownTo, decision }: Caller,
  { guild, channelId, channel }: FoundTarget,
  needs: readonly Need[],
): Promise<void> {
  if (!shownTo || !guild) return;
  const { place, sender, channelId: here } = shownTo;
  const isForAsker = isForAskerAlone(shownTo, account);
  const mayAll = readers.get(guild.reads) ?? createReaders(guild.reads, account);
  readers.set(guild.reads, mayAll);
  if (channelId === undefined) {
    const rights = needs.flatMap((need) =>
      typeof need === "object" && need.kind === "in_guild" ? need.permission : []
    );
    if (isForAsker || (guild.id === shownTo.guildId && rights.length === 0)) return;
    if (await mayAll(shownTo, undefined, rights)) return;
    throw new RefusedCall("readers", "not everyone who reads the answer may read that");
  }
  const found = await channel();
  const source = (await guild.reads.channels()).get(
    (isThread(found) && found.parentId) || channelId,
  );
  const isRestricted = found.isNsfw || source?.isNsfw === true;
  if (isRestricted && channelId !== here && !(place.kind === "guild" && place.isAgeRestricted)) {
    throw new RefusedCall(
      "policy",
      "that channel is age-restricted, and this one is not: nothing of it may be shown here",
    );
  }
  if (isForAsker || isPressedBy(decision, sender.id)) return;
  // Discord tells no one who else sees a private thread, so only its own answers show it.
  const sees = needs.includes("Read Message History")
    ? undefined
    : needs.filter((one) => one === "Connect");
  const isForeign = isPrivateThread(found) && channelId !== here;
  // Its readers have the channel of the answer before them.
  const isOwn = place.kind === "guild" && source?.id === place.channel.id;
  if (isForeign || !source || !(isOwn || await mayAll(shownTo, source, sees))) {
    throw new LacksRight({ kind: "readers", channelId, shownIn: here }, decision);
  }
}

/** Whether only the asker reads the answer to a message. */
function isForAskerAlone({ place }: InboundMessage, { config }: BotAccount): boolean {
  const sharesDirect = config().session.dmScope === "main";
  if (place.kind === "guild") return false;
  if (place.kind === "dm" && !sharesDirect) return true;
  throw new RefusedCall(
    "place",
    place.kind === "dm"
      ? "all direct messages share one conversation here, so other people could learn what only " +
        "this person may read"
      : "a group has no server to read",
  );
}

/** A message as if the readers of another channel read its answer. */
export async function answeredIn(
  message: InboundMessage,
  { id, reads }: NonNullable<FoundTarget["guild"]>,
  to: Channel,
): Promise<InboundMessage> {
  const channel = (isThread(to) && to.parentId && (await reads.channels()).get(to.parentId)) || to;
  const isAgeRestricted = channel.isNsfw || undefined;
  const place = { kind: "guild" as const, guild: { id, name: "" }, channel, isAgeRestricted };
  return { ...message, channelId: to.id, place };
}

/**
 * Checks a right of the bot itself. Without it, Discord would refuse the request, and a message
 * would wait in the channel's queue.
 */
export async function assertBotMay(
  caller: Caller,
  found: FoundTarget,
  needs: readonly Need[],
): Promise<void> {
  const missing = await missingOfBot(caller, found, needs);
  if (missing) throw missing;
}

/** Names the right that the bot lacks; `undefined` if it lacks none. */
async function missingOfBot(
  caller: Caller,
  found: FoundTarget,
  needs: readonly Need[],
): Promise<Error | undefined> {
  const { account: { now, reader } } = caller;
  const userId = reader.self?.userId;
  if (userId === undefined || !found.guild) return undefined;
  const { reads } = found.guild;
  const place = await placeFor(caller, found, userId);
  // Discord refuses a bot in slow mode only if it has just written.
  const own = place && { ...place, hasSlowmode: false };
  const lacks = missingRight(await reads.facts(), await reads.member(userId), own, needs, now());
  return lacks && new RefusedCall("bot_permission", `${describeMissing(lacks, "bot")} there`);
}

/** Makes an error that tells the model why Discord refused. */
export async function refusal(
  error: unknown,
  caller: Caller,
  found: FoundTarget,
  needs: readonly Need[],
): Promise<unknown> {
  if (error instanceof RestError && error.code !== undefined && namesPermission(error.code)) {
    const missing = await missingOfBot(caller, found, needs).catch(() => undefined);
    if (missing) return missing;
  }
  return inWords(error);
}

/** An error of Discord in words for the model; another error unchanged. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof RestError) || error.code === undefined) return error;
  return new RefusedCall("discord", explainCode(error.code) ?? error.message);
}

/** Whether the answer to a message may show words of a channel that a note or schedule keeps. */
export function showing(
  account: BotAccount,
  message: InboundMessage,
): (channelId: ChannelId) => Promise<boolean> {
  const caller = { ...callerOf({ account, message, sharesReads: {} }), alsoGuilds: [] };
  const known = new Map([[message.channelId, Promise.resolve(true)]]);
  return async (channelId) => {
    if (message.place.kind !== "guild") return true;
    const isShown = known.get(channelId) ?? channelAt(caller, channelId)
      .then((found) => assertShown(caller, found, READS)).then(() => true, isNoRefusal);
    known.set(channelId, isShown);
    return await isShown;
  };
}

function isNoRefusal(error: unknown): false {
  if (error instanceof RefusedCall) return false;
  throw error;
}

const READS = ["Read Message History"] as const;

/** The same rule for effects: their readers may read the place of the turn. */
export async function isSeenByOthers(call: DiscordCall, at: SeenAt): Promise<boolean> {
  const { message, message: { place, guildId } } = call;
  if (place.kind !== "guild") return true; // the asker alone reads it, or people without a server
  const caller = { ...callerOf(call), decision: undefined };
  const home = await channelAt(caller, undefined);
  const source = (await home.guild?.reads.channels())?.get(place.channel.id);
  const needs: readonly Permission[] = source && isVoice(source) ? ["Connect"] : [];
  const seen = await channelOf(caller, at);
  const to = await seen?.channel();
  const isListed = to?.type === CHANNEL_KINDS.category ||
    (at.kind === "channel" && at.isListed === true && to !== undefined && isVoice(to));
  const isHere = seen?.channelId === message.channelId && !isListed;
  if (at.kind === "voice" && !seen || isHere) return false;
  if (seen?.guild && to && !isListed) {
    const shownTo = await answeredIn(message, seen.guild, to);
    return await assertShown({ ...caller, shownTo }, home, needs).then(() => false, isHidden);
  }
  const rights: readonly Permission[] = ["View Channel", ...needs]; // all may see such a name
  const isThere = (seen?.guild?.id ?? (at.kind === "guild" && at.id || guildId)) === guildId;
  const isOpen = at.kind === "person"
    ? await missingOf(at.id, caller, home, rights) === undefined
    : isThere && source && home.guild &&
      isOpenToAll(await home.guild.reads.facts(), source, rights);
  return !isOpen || isPrivateThread(await home.channel());
}

/** The channel of an effect; `undefined` if a whole server sees it, or if there is none. */
async function channelOf(caller: Caller, at: SeenAt): Promise<FoundTarget | undefined> {
  if (at.kind === "channel") return await channelAt(caller, at.id);
  if (at.kind !== "voice" || caller.guildId === undefined) return undefined;
  const path = `/guilds/${caller.guildId}/voice-states/${at.id ?? "@me"}`;
  const raw = await caller.account.rest.request("GET", path).catch((error: unknown) => {
    if (!(error instanceof RestError) || error.status !== 404) throw error; // 404: in no channel
  });
  const state = voiceState.safeParse(raw).data;
  return state?.channel_id ? await channelAt(caller, state.channel_id) : undefined;
}

const voiceState = z.object({ channel_id: snowflakeSchema<"channel">().nullish() });

function isHidden(error: unknown): true {
  if (error instanceof LacksRight) return true;
  throw error;
}
