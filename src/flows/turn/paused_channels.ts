/**
 * Channels in which something that nobody waits for is not asked for, for a while.
 *
 * Discord counts what it forbids, and bans an address that is forbidden too
 * much; a sign that is refused in a channel now is refused there in a minute.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";

export interface PausedChannels {
  has(channelId: ChannelId): boolean;
  add(channelId: ChannelId): void;
}

/** How long after a refusal a channel is asked again: permissions change by hand. */
const PAUSE_MS = 10 * 60_000;

/** @param now Unix time in milliseconds. */
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
