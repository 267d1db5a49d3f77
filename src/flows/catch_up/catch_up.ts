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
 */

import type { Log } from "../../lib/log.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { Account } from "../../core/account/account.ts";
import type { BotAccount } from "../../account/account.ts";
import { wakeTurns } from "../../account/wakes.ts";
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
import type { StoredSession, StoredShard } from "../../core/store/gateway.ts";
import { createUnreadable } from "./unreadable.ts";
import type { createGaps } from "../../store/gateway/sessions.ts";
import type { GatewayRecords } from "../../store/gateway/gateway.ts";

/** Everything that catch-up needs from outside. */
export interface CatchUpPorts
  extends
    Omit<GapTasksPorts, "events" | "store">,
    Pick<Parameters<typeof createUnreadable>[0], "readPermissions">,
    Pick<
      Account<
        GapTasksPorts["store"] & {
          readonly gateway:
            & Pick<GatewayRecords, "loadAccount">
            & Pick<ReturnType<typeof createGaps>, "finishCatchUp">;
        }
      >,
      "schedule" | "random" | "store"
    > {
  readonly account: BotAccount;
  /** `gateway.catchUp.enabled`; if `false`, gaps are closed without reading. */
  readonly isEnabled: boolean;
}

type ShardGap = Pick<StoredShard, "shardId" | "catchUpFrom" | "lostAt"> & {
  readonly session?: Pick<StoredSession, "hasHole">;
};

/** Creates the catch-up of one account. Reads nothing before the first gap. */
export function createCatchUp(ports: CatchUpPorts) {
  const { accountId, store, log, now } = ports;
  const open = new Map<number, OpenGap>();
  const expected = createExpectedSessions();
  const delay = createTurnDelay(ports.schedule, () => wakeTurns(ports.account));
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
      delay.expectGap(false);
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
    await store.gateway.finishCatchUp(accountId, shardId, from, lostAt);
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
    else delay.startListing();
  }

  /** The store keeps the gap until the new session, so meanwhile catch-up goes on with it. */
  function sessionDue(shardId: number): void {
    if (ports.isEnabled) delay.expectGap(expected.due(shardId));
  }

  return {
    /**
     * Tells that a shard's session lacks events and a new one will follow. No turn begins before it.
     */
    sessionDue,
    /**
     * Tells that a shard's new session is about to be stored. No turn begins before Barnacle has
     * read its gap.
     */
    sessionStarting(shardId: number): void {
      if (!ports.isEnabled) return;
      // Otherwise the open gap might be closed without the messages of the lost session.
      const gap = open.get(shardId);
      if (gap) gap.isGrowing = true;
      delay.expectGap(expected.starting(shardId));
    },
    /**
     * Tells the account's current number of shards. No further session of other shards will follow.
     */
    setShardCount(count: number): void {
      expected.setShardCount(count);
      settleDelay();
    },
    /** Tells that the new session is stored, with its gap if there is one. */
    sessionStarted(shardId: number): void {
      retries.addFirst(async () => {
        const { shards } = await store.gateway.loadAccount(accountId);
        const bounds = boundsOf(shards.find((shard) => shard.shardId === shardId));
        expected.started(shardId);
        if (bounds) begin({ shardId, ...bounds });
        else open.delete(shardId); // it was closed in time
        settleDelay();
      });
    },
    /** Continues the gaps of the last process, whose sessions are to be resumed. */
    resume(shards: readonly ShardGap[]): void {
      for (const { shardId, session, ...bounds } of shards) {
        const gap = boundsOf(bounds);
        if (session?.hasHole) sessionDue(shardId);
        // An IDENTIFY may have to wait until tomorrow. For it, the messages would be too old.
        if (gap) begin({ shardId, ...gap });
      }
    },
    /** Tells that a GUILD_CREATE has arrived, or that the bot has left a guild. */
    ready(): void {
      for (const gap of open.values()) advance(gap);
    },
    /** Channels in which no turn may begin, because earlier messages are still missing. */
    delayedChannels: delay.delayedChannels,
    /** Number of channels still to be read, plus guilds still awaited. */
    pending: (): number => open.values().reduce((sum, gap) => sum + pendingIn(gap), 0),
    /** Channels that the bot may not read, for the health report. */
    unreadable: unreadable.list,
    /** Reads nothing more; the next start continues. */
    async stop(): Promise<void> {
      await retries.stop();
      delay.end();
    },
  };
}

export type CatchUp = ReturnType<typeof createCatchUp>;

/** The bounds of a shard's open gap; `undefined` if there is none. */
function boundsOf(
  { catchUpFrom: from, lostAt }: Pick<StoredShard, "catchUpFrom" | "lostAt"> = {},
): GapBounds | undefined {
  return from === undefined ? undefined : { from, lostAt };
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

/** Creates memory without an expected session. */
export function createExpectedSessions() {
  const due = new Set<number>();
  /** Shards with a new session whose gap is not known yet. */
  const unsure = new Set<number>();

  function add(shardId: number, set: Set<number>): boolean {
    const isFirst = set.size === 0;
    set.add(shardId);
    return isFirst;
  }

  return {
    /** Whether any shard expects a session. */
    any: (): boolean => unsure.size > 0 || due.size > 0,
    /**
     * Notes that a shard will begin a new session.
     *
     * @returns Whether it is the first such shard. A repeated call, after the store refused T0, gets
     * `false`.
     */
    due: (shardId: number): boolean => add(shardId, due),
    /**
     * Notes that a shard's new session is about to be stored.
     *
     * @returns Whether it is the first such shard.
     */
    starting(shardId: number): boolean {
      due.delete(shardId);
      return add(shardId, unsure);
    },
    /** Notes that the session is stored, and that Barnacle has read its gap. */
    started: (shardId: number): void => void unsure.delete(shardId),
    /** Forgets shards from this number on, because no session of theirs will follow. */
    setShardCount(count: number): void {
      for (const set of [due, unsure]) {
        for (const shardId of set) if (shardId >= count) set.delete(shardId);
      }
    },
  };
}
