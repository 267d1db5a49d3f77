/**
 * Plans and runs the tasks that close a gap: direct messages first, then the channels of guilds.
 *
 * A task that fails runs again later. Guilds whose GUILD_CREATE has not arrived yet follow once it
 * has.
 *
 * @module
 */

import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import type { GuildPlace } from "../../core/inbound/inbound.ts";
import type { RetriedTask, RetryQueue } from "../retry_queue.ts";
import type { TurnDelay } from "../turn/control/turn_delay.ts";
import type { OpenGap } from "./gap.ts";
import { endOfReading, mayHaveMissed, type MissedChannel } from "./missed.ts";
import { type ChannelReadingPorts, createChannelReading } from "./channel_reading.ts";
import type { Unreadable } from "./unreadable.ts";
import type { Received } from "../../core/store/received.ts";

/** The known channels of a shard's guilds. */
export interface KnownPlaces {
  /** Channels and threads of guilds whose GUILD_CREATE has arrived. */
  readonly channels: readonly MissedChannel[];
  /** Guilds whose GUILD_CREATE is still missing. */
  readonly awaited: readonly GuildId[];
}

/** Everything that the tasks need from outside. */
export interface GapTasksPorts extends ChannelReadingPorts {
  /** The account whose gaps are closed. */
  readonly accountId: AccountId;
  /** The store's direct message channels. */
  readonly store: Pick<Received, "directChannels">;
  /** The channels of one shard's guilds, without guilds that are planned already. */
  readonly places: (shardId: number, planned: ReadonlySet<GuildId>) => KnownPlaces;
  /** Whether the policy lets the bot answer in a place. */
  readonly mayAct: (place: GuildPlace) => boolean;
  /** Whether the policy allows any direct message. */
  readonly mayActInDirect: boolean;
}

/** Parts of catch-up that the tasks share with it. */
export interface GapTasksParts {
  /** Delays turns in channels that are still to be read. */
  readonly delay: Pick<TurnDelay, "addChannel" | "releaseChannel">;
  /** Runs the tasks. */
  readonly retries: Pick<RetryQueue, "add">;
  /** Remembers channels that the bot may not read. */
  readonly unreadable: Unreadable;
  /** Called after each task that has succeeded. */
  readonly onProgress: (gap: OpenGap) => void;
}

/** The tasks of one account's gaps. */
export interface GapTasks {
  /** Plans the reading of every known channel that is not planned yet. */
  plan(gap: OpenGap): void;
  /**
   * Adds a task. It does nothing if the gap has begun to grow: the larger gap reads all of it once
   * more.
   *
   * @param isLast Whether it waits until there is no other task.
   */
  add(gap: OpenGap, task: RetriedTask, isLast?: boolean): void;
}

/** Creates the tasks of one account's gaps; none runs. */
export function createGapTasks(
  ports: GapTasksPorts,
  { delay, retries, unreadable, onProgress }: GapTasksParts,
): GapTasks {
  const { accountId, store } = ports;

  function plan(gap: OpenGap): void {
    const { channels, awaited } = ports.places(gap.shardId, gap.planned);
    gap.awaited = awaited.length;
    if (gap.direct === "unplanned") planDirect(gap);
    if (gap.direct !== "planned") return;
    const since = endOfReading(gap.from);
    for (const channel of channels) {
      const { guildId, place } = channel;
      if (guildId) gap.planned.add(guildId);
      if (place && mayHaveMissed(channel, since) && ports.mayAct(place)) read(gap, channel);
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
    delay.addChannel(channel.id);
    gap.waiting.add(channel.id);
    const since = endOfReading(gap.from);
    const reading = createChannelReading(channel, since, gap.tally, unreadable, ports);
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

  return { plan, add };
}
