/**
 * Fetches over REST what was said while no gateway session listened (G6).
 *
 * That there is a gap, and where it begins, is in the store from the moment at
 * which the session that opened it is; it stays there until every channel has
 * been read back to it, over any number of crashes. What is found goes the way
 * of live messages, and counts once, so reading a stretch twice is harmless.
 *
 * A guild whose GUILD_CREATE has not come, because of an outage, is waited for:
 * nobody can tell yet what was said in it. Not to be found are direct messages
 * of somebody who wrote for the first time, and threads that were archived
 * before anybody looked.
 *
 * @module
 */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { createRetryQueue, type RetriedTask } from "../retry_queue.ts";
import { createHold } from "../turn/hold.ts";
import { endOfReading, isAhead, type MissedChannel } from "./missed.ts";
import { readChannel, type ReadChannelPorts } from "./read_channel.ts";
import type { Tally } from "./read_missed.ts";
import { createUnreadable, type UnreadableChannel, type UnreadablePorts } from "./unreadable.ts";

/** What a shard may have missed: all since `from`. */
export interface Gap extends GapBounds {
  readonly shardId: number;
}

/** Unix time in milliseconds. */
export interface GapBounds {
  readonly from: number;
  /** When the newest loss was discovered: another one makes the gap larger. */
  readonly lostAt?: number;
}

/** What a shard knows of its guilds. */
export interface KnownPlaces {
  /** Channels and threads of the guilds whose GUILD_CREATE has come. */
  readonly channels: readonly MissedChannel[];
  /** The guilds whose GUILD_CREATE is still to come. */
  readonly awaited: readonly GuildId[];
}

export interface CatchUpPorts extends ReadChannelPorts, UnreadablePorts {
  readonly accountId: AccountId;
  readonly isEnabled: boolean;
  readonly store: {
    /** Where the open gap of a shard begins. */
    gapOf(accountId: AccountId, shardId: number): Promise<GapBounds | undefined>;
    /** Channels of direct messages, the busiest of late first. */
    directChannels(accountId: AccountId): Promise<readonly ChannelId[]>;
    /** Closes a gap, if it still begins at `from` and nothing was lost since. */
    finishCatchUp(
      accountId: AccountId,
      shardId: number,
      from: number,
      lostAt?: number,
    ): Promise<void>;
  };
  /** What the index has of one shard's guilds, those apart that are planned already. */
  readonly places: (shardId: number, planned: ReadonlySet<GuildId>) => KnownPlaces;
  readonly mayAct: (place: GuildPlace) => boolean;
  /** Whether anybody's direct messages may be answered. */
  readonly mayActInDirect: boolean;
  readonly schedule: Schedule;
  readonly random: () => number;
  /** Turns may begin that {@link CatchUp.held} held back. */
  readonly onReleased: () => void;
}

export interface CatchUp {
  /** A shard's session lacks events, and a new one is due: no turn begins before it is there. */
  sessionDue(shardId: number): void;
  /** A shard's new session is about to be stored: no turn begins before its gap is known. */
  sessionStarting(shardId: number): void;
  /** It is stored, and its gap with it. */
  sessionStarted(shardId: number): void;
  /** The account has so many shards now: no session of others is to come. */
  setShardCount(count: number): void;
  /** A gap is open: at the start of the process, where its session is to be resumed. */
  start(gap: Gap): void;
  /** More is known of the guilds than before: a GUILD_CREATE has come, or one was left. */
  ready(): void;
  /** Channels in which no turn may begin: something was said there before. */
  held(): "all" | readonly ChannelId[];
  /** Channels to be read yet, and guilds to be waited for. */
  pending(): number;
  unreadable(): readonly UnreadableChannel[];
  /** Reads nothing more; what is not done is done after the next start. */
  stop(): Promise<void>;
}

/** A gap that is being closed. */
interface OpenGap extends Gap {
  readonly startedAt: number;
  readonly tally: Tally;
  /** Channels that were asked. */
  asked: number;
  /** Another session was lost, and T0 is under way: a larger gap is to take its place. */
  isGrowing: boolean;
  /** Errands that are not done. */
  retries: number;
  readonly waiting: Set<ChannelId>;
  /** Guilds whose channels are planned. */
  readonly planned: Set<GuildId>;
  direct: "unplanned" | "asked" | "planned";
  /** Guilds that are waited for. */
  awaited: number;
}

export function createCatchUp(ports: CatchUpPorts): CatchUp {
  const { accountId, store, log, now } = ports;
  const open = new Map<number, OpenGap>();
  /** Shards of whose new session it is not known yet whether it has a gap. */
  const unsure = new Set<number>();
  /** Shards that are to begin a new session. */
  const due = new Set<number>();
  const hold = createHold(ports.schedule, ports.onReleased);
  const unreadable = createUnreadable(ports);
  const retries = createRetryQueue("Cannot catch up on what was missed", ports);

  /**
   * Takes the place of what was open for the shard: after another lost session all of it is read
   * once more, and what one channel of it still fails at keeps nobody.
   */
  function begin({ shardId, from, ...rest }: Gap): void {
    const gap: OpenGap = {
      shardId,
      from,
      ...rest,
      startedAt: now(),
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

  /** Plans what can be planned by now; once all of it is done, closes the gap. */
  function advance(gap: OpenGap): void {
    if (!isOpen(gap) || !ports.isEnabled) return;
    plan(gap);
    settleHold();
    if (gap.retries === 0 && gap.awaited === 0) add(gap, () => finish(gap));
  }

  /** Direct messages first; guilds that are not there yet follow when they come. */
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

  function add(gap: OpenGap, errand: RetriedTask, isLast?: boolean): void {
    gap.retries++;
    retries.add(async () => {
      if (gap.isGrowing) return; // all of it is read once more
      await errand();
      gap.retries--;
      advance(gap);
    }, isLast);
  }

  /** Whether it is the shard's gap, and no other has taken its place. */
  function isOpen(gap: OpenGap): boolean {
    return open.get(gap.shardId) === gap;
  }

  function settleHold(): void {
    if (unsure.size > 0 || due.size > 0) return;
    if (open.size === 0) return hold.end();
    const isPlanned = ({ awaited, direct }: OpenGap) => awaited === 0 && direct === "planned";
    if (open.values().every(isPlanned)) hold.narrow();
  }

  /** What is open for it grows, or it would be closed over what the lost session did not bring. */
  function expect(shardId: number, set: Set<number>): void {
    const gap = open.get(shardId);
    if (!ports.isEnabled) return;
    const isAnew = set.size === 0; // said again where the store refused T0
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
