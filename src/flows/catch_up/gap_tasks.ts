/**
 * Plans and runs the tasks that close a gap: direct messages first, then the channels of guilds.
 *
 * A task that fails runs again later. Guilds whose GUILD_CREATE has not arrived yet follow once it
 * has.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import type { createRetryQueue, RetriedTask } from "../retry_queue.ts";
import type { createTurnDelay } from "./turn_delay.ts";
import {
  createMissedReading,
  endOfReading,
  MAX_PAGES,
  mayHaveMissed,
  mayTellUnread,
  type MissedChannel,
  type MissedReadingPorts,
  nameOf,
  type Tally,
} from "./missed_reading.ts";
import type { Unreadable } from "./unreadable.ts";
import type { Account } from "../../core/account/account.ts";
import type { StoredMessages } from "../../store/messages/messages.ts";

/** Everything that the tasks need from outside. */
export interface GapTasksPorts extends
  MissedReadingPorts,
  Pick<
    Account<{ readonly messages: Pick<StoredMessages, "directChannels"> }>,
    "accountId" | "store"
  > {
  /** The channels of one shard's guilds, without guilds that are planned already. */
  readonly places: (shardId: number, planned: ReadonlySet<GuildId>) => {
    /** Channels and threads of guilds whose GUILD_CREATE has arrived. */
    readonly channels: readonly MissedChannel[];
    /** Guilds whose GUILD_CREATE is still missing. */
    readonly awaited: readonly GuildId[];
  };
  /** Whether the policy lets the bot answer in a place. */
  readonly mayAct: (place: GuildPlace) => boolean;
  /** Whether the policy allows any direct message. */
  readonly mayActInDirect: boolean;
  /** Stores missed events of a guild that start turns; absent: none does (W7). */
  readonly missedEvents?: (guildId: GuildId, since: number) => Promise<void>;
}

/** Creates the tasks of one account's gaps; none runs. */
export function createGapTasks(
  ports: GapTasksPorts,
  { delay, retries, unreadable, onProgress }: {
    /** Delays turns in channels that are still to be read. */
    readonly delay: Pick<ReturnType<typeof createTurnDelay>, "addChannel" | "releaseChannel">;
    readonly retries: Pick<ReturnType<typeof createRetryQueue>, "add">;
    /** Remembers channels that the bot may not read. */
    readonly unreadable: Unreadable;
    /** Called after each task that has succeeded. */
    readonly onProgress: (gap: OpenGap) => void;
  },
) {
  const { accountId, store } = ports;

  function plan(gap: OpenGap): void {
    const { channels, awaited } = ports.places(gap.shardId, gap.planned);
    gap.awaited = awaited.length;
    if (gap.direct === "unplanned") planDirect(gap);
    if (gap.direct !== "planned") return;
    const since = endOfReading(gap.from);
    for (const channel of channels) {
      const { guildId, place } = channel;
      if (guildId && !gap.planned.has(guildId)) {
        gap.planned.add(guildId);
        add(gap, async () => await ports.missedEvents?.(guildId, since), true);
      }
      if (place && mayHaveMissed(channel, since) && ports.mayAct(place)) read(gap, channel);
    }
  }

  function planDirect(gap: OpenGap): void {
    const hasDirect = gap.shardId === 0 && ports.mayActInDirect; // Discord sends DMs to shard 0
    gap.direct = hasDirect ? "asked" : "planned";
    if (!hasDirect) return;
    add(gap, async () => {
      for (const id of await store.messages.directChannels(accountId)) read(gap, { id });
      gap.direct = "planned";
    });
  }

  function read(gap: OpenGap, channel: MissedChannel): void {
    delay.addChannel(channel.id);
    gap.waiting.add(channel.id);
    const reading = createChannelReading(channel, gap, unreadable, ports);
    add(gap, async () => {
      const hasMore = await reading.first();
      gap.asked++;
      gap.waiting.delete(channel.id);
      delay.releaseChannel(channel.id);
      if (hasMore) add(gap, reading.rest, true);
    });
  }

  function add(gap: OpenGap, task: RetriedTask, isLast?: boolean): void {
    gap.retries++;
    retries.add(async () => {
      if (gap.isGrowing) return;
      await task();
      gap.retries--;
      onProgress(gap);
    }, isLast);
  }

  return {
    /** Plans the reading of every known channel that is not planned yet. */
    plan, /**
     * Adds a task. It does nothing if the gap has begun to grow: the larger gap reads all of it once
     * more.
     *
     * @param isLast Whether it waits until there is no other task.
     */
    add,
  };
}

/**
 * Prepares the reading of a channel.
 *
 * @param gap Where reading back ends, and figures to add to.
 */
export function createChannelReading(
  channel: MissedChannel,
  { from, tally }: Pick<OpenGap, "from" | "tally">,
  unreadable: Unreadable,
  ports: MissedReadingPorts,
) {
  const { isRefused, tellUnread, now, log } = ports;
  const { id: channelId, guildId } = channel;
  const reading = createMissedReading(channel, endOfReading(from), tally, ports);

  function logRefused(error: unknown): void {
    const event = `Discord does not show the missed messages in ${nameOf(channel)}`;
    log.warn(event, { channelId, guildId, error });
  }

  return {
    /**
     * Reads the messages that may get an answer.
     *
     * @returns Whether `rest` has something to read.
     * @throws {unknown} Any other failure than a refusal, as a rejection.
     */
    async first(): Promise<boolean> {
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
    },
    /**
     * Records the messages before them. If there are too many, tells the channel.
     *
     * @throws {unknown} Any other failure than a refusal, as a rejection.
     */
    async rest(): Promise<void> {
      try {
        const unread = await reading.record();
        if (!unread) return;
        const { before } = unread;
        // After a further loss, the same gap may be read again.
        const key = `${channelId}:${from}:${before}`;
        if (mayTellUnread(unread, now())) await tellUnread(channel, before, key);
        const event = `Missed more messages in ${nameOf(channel)} than Barnacle records`;
        log.info(event, { channelId, messages: MAX_PAGES * 100 });
      } catch (error) {
        if (!isRefused(error)) throw error;
        logRefused(error);
      }
    },
  };
}

/** A stretch of time in which a shard may have missed messages. */
export interface Gap extends GapBounds {
  /** The shard that may have missed them, from 0. */
  readonly shardId: number;
}

/** The limits of a gap, in Unix time in milliseconds. */
export interface GapBounds {
  /** Beginning: when the newest message stored before the gap was sent. */
  readonly from: number;
  /**
   * When Barnacle discovered the newest loss; a further loss makes the gap larger. Absent if
   * unknown.
   */
  readonly lostAt?: number;
}

export interface OpenGap extends Gap {
  readonly startedAt: number;
  /** Figures of the messages read so far. */
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

/** Begins to close a gap: nothing of it is planned or read. */
export function openGap(gap: Gap, now: number): OpenGap {
  return {
    ...gap,
    startedAt: now,
    tally: { read: 0, answered: 0, tooOld: 0, tooMany: 0 },
    asked: 0,
    isGrowing: false,
    retries: 0,
    waiting: new Set(),
    planned: new Set(),
    direct: "unplanned",
    awaited: 0,
  };
}

/** Whether catch-up knows all channels that it must read. */
export function isPlanned({ awaited, direct }: OpenGap): boolean {
  return awaited === 0 && direct === "planned";
}

/** Number of channels still to be read, plus guilds still awaited. */
export function pendingIn({ waiting, awaited }: OpenGap): number {
  return waiting.size + awaited;
}
