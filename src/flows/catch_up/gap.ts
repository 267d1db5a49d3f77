/**
 * One shard's gap, and how far catch-up has come with it.
 *
 * @module
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Tally } from "./missed_reading.ts";

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

/** A gap that catch-up is closing. */
export interface OpenGap extends Gap {
  /** Unix time in milliseconds at which catch-up began. */
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
  /** Guilds whose channels are planned. */
  readonly planned: Set<GuildId>;
  /** Progress with direct message channels. */
  direct: "unplanned" | "asked" | "planned";
  /** Number of guilds whose GUILD_CREATE is still missing. */
  awaited: number;
}

/**
 * Begins to close a gap: nothing of it is planned or read.
 *
 * @param now Unix time in milliseconds.
 */
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
