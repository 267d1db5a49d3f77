/**
 * Finds the channel or server of a call of the tool `discord`, and checks the rights of the people
 * who ask there (T4, T5).
 */

import { once } from "../../../lib/cache.ts";
import { type Channel, isThread, isVoice } from "../../../core/rights/channel.ts";
import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import {
  describeMissing,
  type MissingRight,
  missingRight,
  type Need,
  type PlaceFacts,
} from "../../../core/rights/rights.ts";
import type { DiscordCall } from "../../../core/turn/ports/discord_call.ts";
import {
  createGuildReads,
  type GuildReads,
  isPrivateThread,
  readChannel,
} from "../calls/guild_reads.ts";
import { RestError } from "../exchange/rest_error.ts";
import { explainCode, namesPermission } from "../permissions/denial.ts";
import type { Decision } from "../../../core/people/question.ts";
import {
  holderOf,
  isEscalationAllowed,
  LacksRight,
  mayGoOn,
} from "../../../core/turn/decided_action.ts";
import { reachOf } from "../../../core/turn/ports/search.ts";
import { createReaders } from "./readers.ts";
import type { ActionsOptions } from "./options.ts";
import { RefusedCall } from "../../../core/refused_call.ts";

/** A person for whom an action runs. */
export interface Asker {
  readonly userId: UserId;
  /** The question; absent for a command. */
  readonly message?: InboundMessage;
  /** Whether the person owns the bot. Rights at Discord bind owners only where they read. */
  readonly isOwner: boolean;
}

/** Where an action comes from: its people, and the place in which they ask. */
export interface Origin {
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
  /** Reads the channel; rejects for a whole server. */
  channel(): Promise<Channel>;
}

/** The sources of targets. */
export type TargetsOptions = Pick<
  ActionsOptions,
  "client" | "isOwner" | "self" | "alsoGuilds" | "closedBy" | "sharesDirect" | "now"
>;

/**
 * Creates the check of targets. The function is long because its inner functions are the steps of
 * one check, over the same ports.
 */
export function createTargets(
  { client, isOwner, self, alsoGuilds, closedBy, sharesDirect, now }: TargetsOptions,
) {
  const shared = new WeakMap<object, Map<GuildId, GuildReads>>();
  const readers = new WeakMap<GuildReads, ReturnType<typeof createReaders>>();

  /** The reads of a server. */
  function readsOf({ sharesReads }: Origin, id: GuildId): GuildReads {
    if (!sharesReads) return createGuildReads(client, id);
    const known = shared.get(sharesReads) ?? new Map<GuildId, GuildReads>();
    shared.set(sharesReads, known);
    const reads = known.get(id) ?? createGuildReads(client, id);
    known.set(id, reads);
    return reads;
  }

  /** The facts of a place for one member; `undefined` for a whole server. */
  async function placeFor(
    origin: Origin,
    { channelId, guild, channel }: FoundTarget,
    userId: UserId,
  ): Promise<PlaceFacts | undefined> {
    if (channelId === undefined || !guild) return undefined;
    const found = await channel();
    const common = { isVoice: isVoice(found), hasSlowmode: found.slowmodeSec > 0 };
    if (!isThread(found)) return { ...common, overwrites: found.overwrites };
    const parent = found.parentId && (await guild.reads.channels()).get(found.parentId);
    if (!parent) throw outside(NO_CHANNEL); // without its parent, its overwrites are unknown
    const isHome = channelId === origin.channelId;
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

  async function missingOf(
    userId: UserId,
    origin: Origin,
    found: FoundTarget,
    needs: readonly Need[],
  ): Promise<MissingRight | undefined> {
    if (!found.guild) return undefined;
    const { reads } = found.guild;
    const place = await placeFor(origin, found, userId);
    return missingRight(await reads.facts(), await reads.member(userId), place, needs, now());
  }

  /** Names the right that the bot lacks; `undefined` if it lacks none. */
  async function missingOfBot(
    origin: Origin,
    found: FoundTarget,
    needs: readonly Need[],
  ): Promise<Error | undefined> {
    const userId = self();
    if (userId === undefined || !found.guild) return undefined;
    const { reads } = found.guild;
    const place = await placeFor(origin, found, userId);
    // Discord refuses a bot in slow mode only if it has just written.
    const own = place && { ...place, hasSlowmode: false };
    const missing = missingRight(
      await reads.facts(),
      await reads.member(userId),
      own,
      needs,
      now(),
    );
    return missing &&
      new RefusedCall("bot_permission", `${describeMissing(missing, "bot")} there`);
  }

  /** The config may close a channel to the bot, or open it to some people only. */
  async function assertOpen(
    { askers, channelId: here }: Origin,
    found: FoundTarget,
  ): Promise<void> {
    const { channelId, guild } = found;
    if (channelId === undefined || channelId === here || !guild) return;
    const channel = await found.channel();
    const parentId = isThread(channel) ? channel.parentId : undefined;
    for (const { message, isOwner } of askers) {
      const target = { channelId, guildId: guild.id, parentId: parentId || undefined };
      const rule = message && closedBy(message, target);
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
    { shownTo, decision }: Origin,
    { guild, channelId, channel }: FoundTarget,
    needs: readonly Need[],
  ): Promise<void> {
    if (!shownTo || !guild) return;
    const { place, sender, channelId: here } = shownTo;
    const isForAsker = reachOf(shownTo, sharesDirect()) === "asker";
    const mayAll = readers.get(guild.reads) ?? createReaders(guild.reads, { now });
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
    const isShownByAsker = decision?.kind === "answered" && decision.about === "limit" &&
      decision.by === sender.id && mayGoOn(decision);
    if (isForAsker || isShownByAsker) return;
    // Discord tells no one who else sees a private thread, so only its own answers show it.
    const sees = needs.includes("Read Message History") ? undefined : [] as const;
    const isForeign = isPrivateThread(found) && channelId !== here;
    // Its readers have the channel of the answer before them.
    const isOwn = place.kind === "guild" && source?.id === place.channel.id;
    if (isForeign || !source || !(isOwn || await mayAll(shownTo, source, sees))) {
      throw new LacksRight({ kind: "readers", channelId, shownIn: here }, decision);
    }
  }

  function mayReach({ askers, guildId }: Origin, target: GuildId): boolean {
    if (guildId === undefined) return askers.every(({ isOwner }) => isOwner);
    return guildId === target || alsoGuilds().includes(target);
  }

  return {
    /** The people of a call, each once. */
    originOf(
      { message, also = [], decision, isBlind, sharesReads }: Pick<
        DiscordCall,
        "message" | "also" | "decision" | "isBlind" | "sharesReads"
      >,
    ): Origin {
      const askers = new Map<UserId, Asker>();
      for (const one of [message, ...also]) {
        const known = askers.get(one.sender.id);
        askers.set(one.sender.id, {
          userId: one.sender.id,
          message: one,
          isOwner: isOwner(one) && known?.isOwner !== false,
        });
      }
      const { channelId, guildId } = message;
      return {
        askers: [...askers.values()],
        channelId,
        guildId: guildId || undefined,
        decision,
        shownTo: isBlind ? undefined : message,
        sharesReads,
      };
    },
    /** Finds a channel; absent: the channel of the turn. */
    async channel(
      origin: Origin,
      channelId: ChannelId | undefined = origin.channelId,
    ): Promise<FoundTarget> {
      const isHome = channelId === origin.channelId;
      if (isHome) {
        const { guildId } = origin;
        const guild = guildId && { id: guildId, reads: readsOf(origin, guildId) };
        const channel = once(async () =>
          (await guild?.reads.channels())?.get(channelId) ?? await readChannel(client, channelId)
        );
        return { channelId, channel, guild };
      }
      const found = await readChannel(client, channelId).catch((error: unknown) => {
        throw error instanceof RestError && error.code !== undefined ? outside(NO_CHANNEL) : error;
      });
      const { guildId } = found;
      if (guildId === undefined || !mayReach(origin, guildId)) {
        throw outside(origin.guildId === undefined ? ONLY_OWNERS : NO_CHANNEL);
      }
      return {
        channelId,
        parentId: isThread(found) ? found.parentId : undefined,
        channel: () => Promise.resolve(found),
        guild: { id: guildId, reads: readsOf(origin, guildId) },
      };
    },
    /** Finds a server; absent: the server of the turn. */
    guild(origin: Origin, guildId: GuildId | undefined = origin.guildId): Promise<FoundTarget> {
      return Promise.try(() => {
        if (guildId === undefined) {
          throw outside(origin.askers.every(({ isOwner }) => isOwner) ? NEEDS_GUILD : ONLY_OWNERS);
        }
        if (!mayReach(origin, guildId)) {
          throw outside(origin.guildId === undefined ? ONLY_OWNERS : OTHER_GUILD);
        }
        return {
          channel: () => Promise.reject(new TypeError("A server is no channel")),
          guild: { id: guildId, reads: readsOf(origin, guildId) },
        };
      });
    },
    /**
     * Checks that each asker has rights in a place, by Discord's permissions and by the policy, and
     * that all readers of the answer may read it.
     */
    async assertMay(origin: Origin, found: FoundTarget, needs: readonly Need[]): Promise<void> {
      const { decision } = origin;
      const holder = holderOf(decision); // the call runs with their rights
      const isByOwner = isEscalationAllowed(decision) && holder === undefined;
      for (const { userId, isOwner } of origin.askers) {
        if (!origin.shownTo && (isOwner || isByOwner)) continue;
        const by = origin.shownTo ? userId : holder ?? userId; // no one lends their eyes
        const missing = await missingOf(by, origin, found, needs);
        if (missing) throw new LacksRight(missing, origin.shownTo ? undefined : decision);
      }
      await assertOpen(origin, found);
      await assertShown(origin, found, needs);
    },
    /**
     * Checks a right of the bot itself. Without it, Discord would refuse the request, and a message
     * would wait in the channel's queue.
     */
    async assertBotMay(origin: Origin, found: FoundTarget, needs: readonly Need[]): Promise<void> {
      const missing = await missingOfBot(origin, found, needs);
      if (missing) throw missing;
    },
    /** Makes an error that tells the model why Discord refused. */
    async refusal(
      error: unknown,
      origin: Origin,
      found: FoundTarget,
      needs: readonly Need[],
    ): Promise<unknown> {
      if (error instanceof RestError && error.code !== undefined && namesPermission(error.code)) {
        const missing = await missingOfBot(origin, found, needs).catch(() => undefined);
        if (missing) return missing;
      }
      return inWords(error);
    },
  };
}

/** An error of Discord in words for the model; another error unchanged. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof RestError) || error.code === undefined) return error;
  const words = WORDS.get(error.code) ?? explainCode(error.code) ?? error.message;
  return new RefusedCall("discord", words);
}

/** Finds targets, and checks rights. Each method rejects with words for the model. */
export type Targets = ReturnType<typeof createTargets>;

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

/** Discord's error codes for the model, in other words than those of a delivery. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [10007, "that user is not a member of the server"],
  [10008, "there is no such message in that channel; it may be deleted already"],
  [10009, "there is no overwrite for that role or member"],
  [10011, "there is no such role in that server"],
  [10013, "there is no such user"],
  [10014, "there is no such emoji, or the bot may not use it"],
  [10026, "that user is not banned"],
  [10060, "there is no such sticker"],
  [10065, "that member is in no voice channel"],
  [10070, "there is no such event"],
  [30003, "the channel has as many pinned messages as Discord allows; unpin one first"],
  [30005, "the server has 250 roles, and takes no more"],
  [30008, "the server has no room for more emojis"],
  [30010, "the message has 20 different reactions, and takes no more"],
  [30013, "the server has 500 channels, and takes no more"],
  [30038, "the server has 100 open events, and takes no more"],
  [30039, "the server has no room for more stickers"],
  [30046, "messages older than an hour were edited too often; try again later"],
  [30048, "the forum has as many tags as Discord allows"],
  [50005, "the bot can edit only its own messages"],
  [50021, "that is an announcement of Discord, and not a message that takes this action"],
  [50024, "that kind of channel does not take this action"],
  [50034, "that message is older than two weeks, and Discord does not do this to it any more"],
  [50045, "the file is too large for Discord"],
  [50074, "Discord does not let this channel be deleted, because the server's community needs it"],
  [50081, "the bot may not use that sticker there"],
  [60003, "the server asks moderators for two-factor authentication, and the bot's owner has none"],
  [90001, "the author of the message has blocked the bot"],
  [110000, "Discord is still building its search index; try again in a minute"],
  [160014, "the bot may not read what that message says, so it cannot forward it"],
  [160006, "the server has its most active threads, and takes no more"],
  [180000, "that event is over, or has begun, and cannot be changed so"],
  [520001, "that poll is over already"],
  [520002, "polls are not possible in that kind of channel"],
  [520006, "that message is no poll"],
]);
