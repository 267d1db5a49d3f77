/**
 * Fetches messages over REST that no gateway session brought (G6).
 *
 * The store records a gap and its beginning together with the session that opened it. The gap stays
 * there until every channel has been read back to it, over any number of crashes. Messages found
 * this way are treated as live ones and count once, so reading a stretch twice is harmless. Direct
 * messages come first, then the channels of guilds; a task that fails runs again later.
 *
 * If a guild's GUILD_CREATE is missing because of an outage, catch-up waits for it, since its
 * channels are unknown. Catch-up cannot find first direct messages of new people, nor threads that
 * were archived before.
 */

import type { BotAccount } from "../../account/account.ts";
import { readMissedEvents } from "../../account/extra_parts.ts";
import { perAccount } from "../../account/per_account.ts";
import { wakeTurns } from "../../account/wakes.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { StoredSession, StoredShard } from "../../core/store/gateway.ts";
import { messageLink } from "../../core/turn/decided_action.ts";
import { placesOf } from "../../discord/gateway/decode/places.ts";
import { createRetryQueue, type RetriedTask } from "../retry_queue.ts";
import { tellOnce } from "../tell.ts";
import { isRefused, pagesOf } from "./missed_pages.ts";
import {
  createMissedReading,
  endOfReading,
  MAX_PAGES,
  mayHaveMissed,
  mayTellUnread,
  type MissedChannel,
  nameOf,
  type Tally,
} from "./missed_reading.ts";
import { createTurnDelay } from "./turn_delay.ts";
import { createUnreadable } from "./unreadable.ts";

type ShardGap = Pick<StoredShard, "shardId" | "catchUpFrom" | "lostAt"> & {
  readonly session?: Pick<StoredSession, "hasHole">;
};

/** A stretch of time in which a shard may have missed messages, and how far it is read. */
interface OpenGap {
  /** From 0. */
  readonly shardId: number;
  /** When the newest message stored before the gap was sent. */
  readonly from: number;
  /** When Barnacle discovered the newest loss; a further loss makes the gap larger. */
  readonly lostAt?: number;
  readonly startedAt: number;
  readonly tally: Tally;
  /** Channels read so far. */
  asked: number;
  /** Set while T0 stores another lost session: a larger gap will replace this one. */
  isGrowing: boolean;
  /** Tasks that have not succeeded yet. */
  retries: number;
  /** Channels whose answerable messages are not read yet. */
  readonly waiting: Set<ChannelId>;
  readonly planned: Set<GuildId>;
  direct: "unplanned" | "asked" | "planned";
  /** Number of guilds whose GUILD_CREATE is still missing. */
  awaited: number;
}

/** The catch-up of an account. It reads nothing before the first gap. */
export const catchUpOf: (account: BotAccount) => CatchUp = perAccount("catch-up", createCatchUp);

function createCatchUp(account: BotAccount) {
  const { accountId, log, policy, reader, store, rest: { discordNow } } = account;
  const { catchUp: rules } = account.config().discord.gateway; // a change takes a restart
  const limits = { maxAgeMs: rules.maxAgeMin * 60_000, maxPerChannel: rules.maxPerChannel };
  let shardCount: number | undefined;
  const open = new Map<number, OpenGap>();
  /** Shards that will begin a new session. */
  const due = new Set<number>();
  /** Shards with a new session whose gap is not known yet. */
  const unsure = new Set<number>();
  const delay = createTurnDelay(account.schedule, () => wakeTurns(account));
  const unreadable = createUnreadable(account);
  const retries = createRetryQueue("Cannot catch up on missed messages", account);
  const readPage = pagesOf(account);

  /**
   * Starts to close a gap, in place of the shard's open one. After another lost session, catch-up
   * reads all of it once more. Tasks of the replaced gap change nothing.
   */
  function begin({ shardId, catchUpFrom: from, lostAt }: ShardGap): boolean {
    if (from === undefined) return false;
    const gap: OpenGap = {
      ...{ shardId, from, lostAt, startedAt: discordNow() },
      tally: { read: 0, answered: 0, tooOld: 0, tooMany: 0 },
      asked: 0,
      isGrowing: false,
      retries: 0,
      waiting: new Set(),
      planned: new Set(),
      direct: "unplanned",
      awaited: 0,
    };
    open.delete(shardId);
    if (open.size === 0) unreadable.reset();
    open.set(shardId, gap);
    if (rules.enabled) {
      delay.expectGap(false);
      advance(gap);
    } else {
      const since = new Date(from).toISOString();
      log.warn("Not reading missed messages: catchUp.enabled is false", { since });
      add(gap, () => finish(gap));
    }
    return true;
  }

  /** Plans all channels that Barnacle knows by now; once all tasks have succeeded, closes the gap. */
  function advance(gap: OpenGap): void {
    if (!isOpen(gap) || !rules.enabled) return;
    plan(gap);
    settleDelay();
    if (gap.retries === 0 && gap.awaited === 0) add(gap, () => finish(gap));
  }

  async function finish(gap: OpenGap): Promise<void> {
    const { shardId, from, lostAt, asked: channels, tally, startedAt } = gap;
    await store.gateway.finishCatchUp(accountId, shardId, from, lostAt);
    if (!isOpen(gap)) return;
    open.delete(shardId);
    settleDelay();
    if (!rules.enabled) return;
    log.info("Caught up on missed messages", {
      channels,
      ...tally,
      unreadable: unreadable.list().length,
      seconds: Math.round((discordNow() - startedAt) / 1_000),
    });
  }

  /** Whether it is still the shard's gap, and no other has replaced it. */
  function isOpen(gap: OpenGap): boolean {
    return open.get(gap.shardId) === gap;
  }

  function settleDelay(): void {
    if (unsure.size > 0 || due.size > 0) return;
    if (open.size === 0) return delay.end();
    const isListed = open.values().every((gap) => gap.awaited === 0 && gap.direct === "planned");
    if (isListed) delay.finishListing();
    else delay.startListing();
  }

  function plan(gap: OpenGap): void {
    const { shardId, planned } = gap;
    const places = placesOf(reader.index, { shardId, shardCount: shardCount ?? 1, planned });
    gap.awaited = places.awaited.length;
    if (gap.direct === "unplanned") planDirect(gap);
    if (gap.direct !== "planned") return;
    const since = endOfReading(gap.from);
    for (const channel of places.channels) {
      const { guildId, place } = channel;
      if (!planned.has(guildId)) {
        planned.add(guildId);
        add(gap, () => readMissedEvents(account, guildId, since), true);
      }
      if (mayHaveMissed(channel, since) && policy().mayAct(place)) read(gap, channel);
    }
  }

  function planDirect(gap: OpenGap): void {
    const hasDirect = gap.shardId === 0 && policy().mayActInDirect; // Discord sends DMs to shard 0
    gap.direct = hasDirect ? "asked" : "planned";
    if (!hasDirect) return;
    add(gap, async () => {
      for (const id of await store.messages.directChannels(accountId)) read(gap, { id });
      gap.direct = "planned";
    });
  }

  function read(gap: OpenGap, channel: MissedChannel): void {
    const { from, tally, waiting } = gap;
    const { id: channelId, guildId } = channel;
    const reading = createMissedReading(endOfReading(from), tally, {
      readPage: (before) => readPage(channel, before),
      isRecorded: async (messageId) =>
        await store.messages.messageRecordOf({ messageId }) !== undefined,
      async acceptHistory(...of) {
        const { acceptHistory } = await import("../inbound/accept.ts"); // it leads to turns, which wait here
        return await acceptHistory(account, ...of);
      },
      limits,
      now: discordNow,
    });

    function logRefused(error: unknown): void {
      const event = `Discord does not show the missed messages in ${nameOf(channel)}`;
      log.warn(event, { channelId, guildId, error });
    }

    /** Reads the messages that may get an answer. @returns Whether there is more for the record. */
    async function readFirst(): Promise<boolean> {
      if (unreadable.has(channel)) return false;
      try {
        const outcome = await reading.answer();
        if (outcome === "empty" && await unreadable.check(channel)) return false;
        unreadable.clear(channelId);
        return outcome === "more";
      } catch (error) {
        if (!isRefused(error)) throw error;
        if (!await unreadable.check(channel)) logRefused(error);
        return false;
      }
    }

    /** Records the messages before them. If there are too many, tells the channel. */
    async function readRest(): Promise<void> {
      try {
        const unread = await reading.record();
        if (!unread) return;
        const { before } = unread;
        if (mayTellUnread(unread, discordNow())) {
          const link = messageLink({ guildId, channelId, id: before });
          const text =
            `I was away, and have not read the messages before ${link}. If you asked me ` +
            "something there, please ask again.";
          // After a further loss, the same gap may be read again.
          await tellOnce(account, channelId, text, `unread:${channelId}:${from}:${before}`);
        }
        const event = `Missed more messages in ${nameOf(channel)} than Barnacle records`;
        log.info(event, { channelId, messages: MAX_PAGES * 100 });
      } catch (error) {
        if (!isRefused(error)) throw error;
        logRefused(error);
      }
    }

    delay.addChannel(channelId);
    waiting.add(channelId);
    add(gap, async () => {
      const hasMore = await readFirst();
      gap.asked++;
      waiting.delete(channelId);
      delay.releaseChannel(channelId);
      if (hasMore) add(gap, readRest, true);
    });
  }

  /** Adds a task. It does nothing once the gap grows: the larger gap reads all of it once more. */
  function add(gap: OpenGap, task: RetriedTask, isLast?: boolean): void {
    gap.retries++;
    retries.add(async () => {
      if (gap.isGrowing) return;
      await task();
      gap.retries--;
      advance(gap);
    }, isLast);
  }

  /** Delays turns; the first such shard has its own time limit. */
  function expectSession(shardId: number, shards: Set<number>): void {
    const isFirst = shards.size === 0;
    shards.add(shardId);
    delay.expectGap(isFirst);
  }

  /**
   * Tells that a shard's session lacks events and a new one will follow. No turn begins before it.
   * The store keeps the gap until then, so meanwhile catch-up goes on with it.
   */
  function sessionDue(shardId: number): void {
    if (rules.enabled) expectSession(shardId, due);
  }

  return {
    sessionDue,
    /**
     * Tells that a shard's new session is about to be stored. No turn begins before Barnacle has
     * read its gap.
     */
    sessionStarting(shardId: number): void {
      if (!rules.enabled) return;
      // Otherwise the open gap might be closed without the messages of the lost session.
      const gap = open.get(shardId);
      if (gap) gap.isGrowing = true;
      due.delete(shardId);
      expectSession(shardId, unsure);
    },
    /** Tells the account's current number of shards. No session of other shards will follow. */
    setShardCount(count: number): void {
      shardCount = count;
      for (const set of [due, unsure]) {
        for (const shardId of set) if (shardId >= count) set.delete(shardId);
      }
      settleDelay();
    },
    /** Tells that the new session is stored, with its gap if there is one. */
    sessionStarted(shardId: number): void {
      retries.addFirst(async () => {
        const { shards } = await store.gateway.loadAccount(accountId);
        const shard = shards.find((shard) => shard.shardId === shardId);
        unsure.delete(shardId);
        if (!shard || !begin(shard)) open.delete(shardId); // it was closed in time
        settleDelay();
      });
    },
    /** Continues the gaps of the last process, whose sessions are to be resumed. */
    resume(
      { shards, shardCount: lastCount }: {
        readonly shards: readonly ShardGap[];
        readonly shardCount?: number;
      },
    ): void {
      shardCount ??= lastCount;
      for (const shard of shards) {
        if (shard.session?.hasHole) sessionDue(shard.shardId);
        // An IDENTIFY may have to wait until tomorrow. For it, the messages would be too old.
        begin(shard);
      }
    },
    /** Tells that a GUILD_CREATE has arrived, or that the bot has left a guild. */
    ready(): void {
      for (const gap of open.values()) advance(gap);
    },
    /** Channels in which no turn may begin, because earlier messages are still missing. */
    delayedChannels: delay.delayedChannels,
    /** Number of channels still to be read, plus guilds still awaited. */
    pending: (): number =>
      open.values().reduce((sum, { waiting, awaited }) => sum + waiting.size + awaited, 0),
    /** Channels that the bot may not read, for the health report. */
    unreadable: unreadable.list,
    /** Reads nothing more; the next start continues. */
    async stop(): Promise<void> {
      await retries.stop();
      delay.end();
    },
  };
}

type CatchUp = ReturnType<typeof createCatchUp>;
