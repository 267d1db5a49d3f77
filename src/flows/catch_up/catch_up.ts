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

import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { Log } from "../../lib/log.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import { createTurnDelay } from "./turn_delay.ts";
import {
  createGapTasks,
  type Gap,
  type GapBounds,
  type GapTasksPorts,
  isPlanned,
  type OpenGap,
  openGap,
  pendingIn,
} from "./gap_tasks.ts";
import { createUnreadable, type UnreadableChannel } from "./unreadable.ts";

/** Everything that catch-up needs from outside. */
export interface CatchUpPorts
  extends
    Omit<GapTasksPorts, "events">,
    Pick<Parameters<typeof createUnreadable>[0], "readPermissions">,
    Pick<Account, "schedule" | "random">,
    Emits<"found" | "released"> {
  /** `gateway.catchUp.enabled`; if `false`, gaps are closed without reading. */
  readonly isEnabled: boolean;
  /** The store's gaps; each method is one transaction. */
  readonly store: GapTasksPorts["store"] & {
    /** The open gap of a shard; `undefined` if there is none. */
    gapOf(accountId: AccountId, shardId: number): Promise<GapBounds | undefined>;
    /** Closes a gap, if it still begins at `from` and no further loss was recorded. */
    finishCatchUp(
      accountId: AccountId,
      shardId: number,
      from: number,
      lostAt?: number,
    ): Promise<void>;
  };
}

/** Catch-up for all shards of one account. */
export interface CatchUp {
  /**
   * Tells that a shard's session lacks events and a new one will follow. No turn begins before it.
   */
  sessionDue(shardId: number): void;
  /**
   * Tells that a shard's new session is about to be stored. No turn begins before Barnacle has read its gap.
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
  delayedChannels(): "all" | readonly ChannelId[];
  /** Number of channels still to be read, plus guilds still awaited. */
  pending(): number;
  /** Channels that the bot may not read, for the health report. */
  unreadable(): readonly UnreadableChannel[];
  /** Reads nothing more; the next start continues. */
  stop(): Promise<void>;
}

/** Creates the catch-up of one account. Reads nothing before the first gap. */
export function createCatchUp(ports: CatchUpPorts): CatchUp {
  const { accountId, store, log, now } = ports;
  const open = new Map<number, OpenGap>();
  const expected = createExpectedSessions();
  const delay = createTurnDelay(ports.schedule, () => ports.events.emit.released());
  const unreadable = createUnreadable(ports);
  const retries = createRetryQueue("Cannot catch up on missed messages", ports);
  const tasks = createGapTasks(ports, { delay, retries, unreadable, onProgress: advance });

  /**
   * Starts to close a gap, in place of the shard's open one. After another lost session, catch-up
   * reads all of it once more. Tasks of the replaced gap change nothing.
   */
  function begin(found: Gap): void {
    const gap = openGap(found, now());
    const { shardId } = gap;
    open.delete(shardId);
    if (open.size === 0) unreadable.reset();
    open.set(shardId, gap);
    if (ports.isEnabled) {
      delay.startListing();
      advance(gap);
    } else {
      reportUnread(gap, log);
      tasks.add(gap, () => finish(gap));
    }
  }

  /** Plans all channels that Barnacle knows by now; once all tasks have succeeded, closes the gap. */
  function advance(gap: OpenGap): void {
    if (!isOpen(gap) || !ports.isEnabled) return;
    tasks.plan(gap);
    settleDelay();
    if (gap.retries === 0 && gap.awaited === 0) tasks.add(gap, () => finish(gap));
  }

  async function finish(gap: OpenGap): Promise<void> {
    const { shardId, from, lostAt } = gap;
    await store.finishCatchUp(accountId, shardId, from, lostAt);
    if (!isOpen(gap)) return;
    open.delete(shardId);
    settleDelay();
    if (ports.isEnabled) reportRead(gap, unreadable.list().length, now(), log);
  }

  /** Whether it is still the shard's gap, and no other has replaced it. */
  function isOpen(gap: OpenGap): boolean {
    return open.get(gap.shardId) === gap;
  }

  function settleDelay(): void {
    if (expected.any()) return;
    if (open.size === 0) return delay.end();
    if (open.values().every(isPlanned)) delay.finishListing();
  }

  /**
   * Lets the open gap grow. Otherwise it might be closed without the messages of the lost session.
   */
  function grow(shardId: number, isNewGap: boolean): void {
    const gap = open.get(shardId);
    if (gap) gap.isGrowing = true;
    delay.expectGap(isNewGap);
  }

  return {
    sessionDue(shardId) {
      if (ports.isEnabled) grow(shardId, expected.due(shardId));
    },
    sessionStarting(shardId) {
      if (ports.isEnabled) grow(shardId, expected.starting(shardId));
    },
    setShardCount(count) {
      expected.setShardCount(count);
      settleDelay();
    },
    sessionStarted(shardId) {
      retries.addFirst(async () => {
        const bounds = await store.gapOf(accountId, shardId);
        expected.started(shardId);
        if (bounds) begin({ shardId, ...bounds });
        else open.delete(shardId); // it was closed in time
        settleDelay();
      });
    },
    start: begin,
    ready() {
      for (const gap of open.values()) advance(gap);
    },
    delayedChannels: delay.delayedChannels,
    pending: () => open.values().reduce((sum, gap) => sum + pendingIn(gap), 0),
    unreadable: unreadable.list,
    async stop() {
      await retries.stop();
      delay.end();
    },
  };
}

function reportUnread({ from }: OpenGap, log: Log): void {
  log.warn("Not reading missed messages: catchUp.enabled is false", {
    since: new Date(from).toISOString(),
  });
}

function reportRead(
  { asked: channels, tally, startedAt }: OpenGap,
  unreadable: number,
  now: number,
  log: Log,
): void {
  log.info("Caught up on missed messages", {
    channels,
    ...tally,
    unreadable,
    seconds: Math.round((now - startedAt) / 1_000),
  });
}

/** The expected sessions of one account. */
export interface ExpectedSessions {
  /** Whether any shard expects a session. */
  any(): boolean;
  /**
   * Notes that a shard will begin a new session.
   *
   * @returns Whether it is the first such shard. A repeated call, after the store refused T0, gets
   * `false`.
   */
  due(shardId: number): boolean;
  /**
   * Notes that a shard's new session is about to be stored.
   *
   * @returns Whether it is the first such shard.
   */
  starting(shardId: number): boolean;
  /** Notes that the session is stored, and that Barnacle has read its gap. */
  started(shardId: number): void;
  /** Forgets shards from this number on, because no session of theirs will follow. */
  setShardCount(count: number): void;
}

/** Creates memory without an expected session. */
export function createExpectedSessions(): ExpectedSessions {
  /** Shards that will begin a new session. */
  const due = new Set<number>();
  /** Shards with a new session whose gap is not known yet. */
  const unsure = new Set<number>();

  function add(shardId: number, set: Set<number>): boolean {
    const isFirst = set.size === 0;
    set.add(shardId);
    return isFirst;
  }

  return {
    any: () => unsure.size > 0 || due.size > 0,
    due: (shardId) => add(shardId, due),
    starting(shardId) {
      due.delete(shardId);
      return add(shardId, unsure);
    },
    started: (shardId) => void unsure.delete(shardId),
    setShardCount(count) {
      for (const set of [due, unsure]) {
        for (const shardId of set) if (shardId >= count) set.delete(shardId);
      }
    },
  };
}
