/**
 * Channels in which Barnacle sends no optional request for a while, because Discord forbade one.
 *
 * Discord counts forbidden requests, and bans an address after too many. A reaction that a channel
 * forbids now is still forbidden in a minute.
 *
 * @module
 */

import type { ChannelId } from "../../../core/discord/ids.ts";

/** Paused channels; each stays paused for ten minutes. */
export interface PausedChannels {
  /** Whether a channel is paused now. */
  has(channelId: ChannelId): boolean;
  /** Pauses a channel from now on. */
  add(channelId: ChannelId): void;
}

/** Milliseconds for which a channel is paused: people change permissions by hand. */
const PAUSE_MS = 10 * 60_000;

/**
 * Creates an empty set.
 *
 * @param now Unix time in milliseconds.
 */
export function createPausedChannels(now: () => number): PausedChannels {
  const until = new Map<ChannelId, number>();
  return {
    has(channelId) {
      const end = until.get(channelId);
      if (end === undefined) return false;
      const isPaused = now() < end;
      if (!isPaused) until.delete(channelId);
      return isPaused;
    },
    add(channelId) {
      until.set(channelId, now() + PAUSE_MS);
    },
  };
}
