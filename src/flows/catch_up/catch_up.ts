/**
 * Fetches messages over REST that no gateway session brought (G6).
 *
 * The store records a gap and its beginning together with the session that opened it. The gap stays
 * there until every channel has been read back to it, over any number of crashes. Messages found
 * this way are treated as live ones and count once, so reading a stretch twice is harmless.
 *
 * If a guild's GUILD_CREATE is missing because of an outage, catch-up waits for it, since its
 * channels are unknown. Catch-up cannot find first direct messages of new people, nor threads that
 * were archived before.
 *
 * @module
 */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { createRetryQueue, type RetriedTask } from "../retry_queue.ts";
import { createHold } from "../turn/hold.ts";
import { type Gap, type GapBounds, type OpenGap, openGap } from "./gap.ts";
import { endOfReading, isAhead, type MissedChannel } from "./missed.ts";
import { readChannel, type ReadChannelPorts } from "./read_channel.ts";
import { createUnreadable, type UnreadableChannel, type UnreadablePorts } from "./unreadable.ts";

/** The known channels of a shard's guilds. */
export interface KnownPlaces {
  /** Channels and threads of guilds whose GUILD_CREATE has arrived. */
  readonly channels: readonly MissedChannel[];
  /** Guilds whose GUILD_CREATE is still missing. */
  readonly awaited: readonly GuildId[];
}

/** Everything that catch-up needs from outside. */
export interface CatchUpPorts extends ReadChannelPorts, UnreadablePorts {
  /** The account whose gaps are closed. */
  readonly accountId: AccountId;
  /** `gateway.catchUp.enabled`; if `false`, gaps are closed without reading. */
  readonly isEnabled: boolean;
  /** The store's gaps; each method is one transaction. */
  readonly store: {
    /** The open gap of a shard; `undefined` if there is none. */
    gapOf(accountId: AccountId, shardId: number): Promise<GapBounds | undefined>;
    /** Direct message channels, most recently busy first. */
    directChannels(accountId: AccountId): Promise<readonly ChannelId[]>;
    /** Closes a gap, if it still begins at `from` and no further loss was recorded. */
    finishCatchUp(
      accountId: AccountId,
      shardId: number,
      from: number,
      lostAt?: number,
    ): Promise<void>;
  };
  /** The channels of one shard's guilds, without guilds that are planned already. */
  readonly places: (shardId: number, planned: ReadonlySet<GuildId>) => KnownPlaces;
  /** Whether the policy lets the bot answer in a place. */
  readonly mayAct: (place: GuildPlace) => boolean;
  /** Whether the policy allows any direct message. */
  readonly mayActInDirect: boolean;
  /** Timer for delays after failures, and for the longest hold of turns. */
  readonly schedule: Schedule;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Tells that turns may begin that {@link CatchUp.held} held back. */
  readonly onReleased: () => void;
}

/** Catch-up for all shards of one account. */
export interface CatchUp {
  /**
   * Tells that a shard's session lacks events and a new one will follow. No turn begins before it.
   */
  sessionDue(shardId: number): void;
  /**
   * Tells that a shard's new session is about to be stored. No turn begins before its gap is known.
   */
  sessionStarting(shardId: number): void;
  /** Tells that the new session is stored, with its gap if there is one. */
  sessionStarted(shardId: number): void;
  /**
   * Tells the account's current number of shards. No further session of other shards will follow.
   */
  setShardCount(count: number): void;
  /** Tells of an open gap at the start of the process, if its session is to be resumed. */
  start(gap: Gap): void;
  /** Tells that a GUILD_CREATE has arrived, or that the bot has left a guild. */
  ready(): void;
  /** Channels in which no turn may begin, because earlier messages are still missing. */
  held(): "all" | readonly ChannelId[];
  /** Number of channels still to be read, plus guilds still awaited. */
  pending(): number;
  /** Channels that the bot may not read, for the health report. */
  unreadable(): readonly UnreadableChannel[];
  /** Reads nothing more; the next start continues. */
  stop(): Promise<void>;
}

/** Creates the catch-up of one account. Reads nothing before a gap is known. */
export function createCatchUp(ports: CatchUpPorts): CatchUp {
  const { accountId, store, log, now } = ports;
  const open = new Map<number, OpenGap>();
  /** Shards with a new session whose gap is not known yet. */
  const unsure = new Set<number>();
  /** Shards that will begin a new session. */
  const due = new Set<number>();
  const hold = createHold(ports.schedule, ports.onReleased);
  const unreadable = createUnreadable(ports);
  const retries = createRetryQueue("Cannot catch up on what was missed", ports);

  /**
   * Starts to close a gap, in place of the shard's open one. After another lost session, catch-up
   * reads all of it once more. Tasks of the replaced gap change nothing.
   */
  function begin(found: Gap): void {
    const gap = openGap(found, now());
    const { shardId, from } = gap;
    open.delete(shardId);
    if (open.size === 0) unreadable.lookAnew();
    open.set(shardId, gap);
    if (ports.isEnabled) {
      hold.begin();
      advance(gap);
    } else {
      const since = new Date(from).toISOString();
      log.warn("What was said while nobody listened is not read: catchUp.enabled is false", {
        since,
      });
      add(gap, () => finish(gap));
    }
  }

  /** Plans everything that is known by now; once all tasks have succeeded, closes the gap. */
  function advance(gap: OpenGap): void {
    if (!isOpen(gap) || !ports.isEnabled) return;
    plan(gap);
    settleHold();
    if (gap.retries === 0 && gap.awaited === 0) add(gap, () => finish(gap));
  }

  /** Direct messages first. Guilds that have not arrived yet follow later. */
  function plan(gap: OpenGap): void {
    const { channels, awaited } = ports.places(gap.shardId, gap.planned);
    gap.awaited = awaited.length;
    if (gap.direct === "unplanned") planDirect(gap);
    if (gap.direct !== "planned") return;
    const since = endOfReading(gap.from);
    for (const channel of channels) {
      const { guildId, place } = channel;
      if (guildId) gap.planned.add(guildId);
      if (place && isAhead(channel, since) && ports.mayAct(place)) read(gap, channel);
    }
  }

  function planDirect(gap: OpenGap): void {
    const hasDirect = gap.shardId === 0 && ports.mayActInDirect; // Discord sends DMs to shard 0
    gap.direct = hasDirect ? "asked" : "planned";
    if (!hasDirect) return;
    add(gap, async () => {
      for (const id of await store.directChannels(accountId)) read(gap, { id });
      gap.direct = "planned";
    });
  }

  function read(gap: OpenGap, channel: MissedChannel): void {
    hold.keep(channel.id);
    gap.waiting.add(channel.id);
    const since = endOfReading(gap.from);
    const reading = readChannel(channel, since, gap.tally, unreadable, ports);
    add(gap, async () => {
      const hasMore = await reading.first();
      gap.asked++;
      gap.waiting.delete(channel.id);
      hold.release(channel.id);
      if (hasMore) add(gap, reading.rest, true);
    });
  }

  async function finish(gap: OpenGap): Promise<void> {
    const { shardId, from, lostAt, asked: channels, startedAt, tally } = gap;
    await store.finishCatchUp(accountId, shardId, from, lostAt);
    if (!isOpen(gap)) return;
    open.delete(shardId);
    settleHold();
    if (!ports.isEnabled) return;
    log.info("Caught up on what was said while nobody listened", {
      channels,
      ...tally,
      unreadable: unreadable.list().length,
      seconds: Math.round((now() - startedAt) / 1_000),
    });
  }

  function add(gap: OpenGap, task: RetriedTask, isLast?: boolean): void {
    gap.retries++;
    retries.add(async () => {
      if (gap.isGrowing) return; // the larger gap reads all of it once more
      await task();
      gap.retries--;
      advance(gap);
    }, isLast);
  }

  /** Whether it is still the shard's gap, and no other has replaced it. */
  function isOpen(gap: OpenGap): boolean {
    return open.get(gap.shardId) === gap;
  }

  function settleHold(): void {
    if (unsure.size > 0 || due.size > 0) return;
    if (open.size === 0) return hold.end();
    const isPlanned = ({ awaited, direct }: OpenGap) => awaited === 0 && direct === "planned";
    if (open.values().every(isPlanned)) hold.narrow();
  }

  /**
   * Lets the open gap grow. Otherwise it might be closed without the messages of the lost session.
   */
  function expect(shardId: number, set: Set<number>): void {
    const gap = open.get(shardId);
    if (!ports.isEnabled) return;
    const isAnew = set.size === 0; // a repeated call, after the store refused T0, is not
    if (gap) gap.isGrowing = true;
    set.add(shardId);
    hold.expect(isAnew);
  }

  return {
    sessionDue: (shardId) => expect(shardId, due),
    sessionStarting(shardId) {
      due.delete(shardId);
      expect(shardId, unsure);
    },
    setShardCount(count) {
      for (const set of [due, unsure]) {
        for (const shardId of set) if (shardId >= count) set.delete(shardId);
      }
      settleHold();
    },
    sessionStarted(shardId) {
      retries.addFirst(async () => {
        const bounds = await store.gapOf(accountId, shardId);
        unsure.delete(shardId);
        if (bounds) begin({ shardId, ...bounds });
        else open.delete(shardId); // it was closed in time
        settleHold();
      });
    },
    start: begin,
    ready() {
      for (const gap of open.values()) advance(gap);
    },
    held: hold.held,
    pending: () =>
      open.values().reduce((sum, { waiting, awaited }) => sum + waiting.size + awaited, 0),
    unreadable: unreadable.list,
    async stop() {
      await retries.stop();
      hold.end();
    },
  };
}
