/**
 * Remembers channels in which Discord refused a message within the last minute, and why.
 *
 * A message as old as the refused one, waiting behind it, needs no request of its own. Only
 * refusals of the last minute are kept, and each cost a request. So Discord's global rate limit
 * bounds their number: 3,000 by default.
 *
 * @module
 */

import type { ChannelId } from "../core/discord/ids.ts";

/** Refusals by channel, for one account. */
export interface RecentRefusals {
  /** Number of remembered channels; some may have expired. */
  readonly size: number;
  /**
   * Reads a channel's refusal.
   *
   * @returns Discord's reason, if it refused a message there within the last minute.
   */
  reasonOf(channelId: ChannelId): string | undefined;
  /** Remembers a refusal, for a minute from now. */
  add(channelId: ChannelId, reason: string): void;
  /** Forgets a channel, because Discord has accepted a message there. */
  delete(channelId: ChannelId): void;
}

/** Milliseconds for which a refusal also counts for the messages behind it. */
const FRESH_MS = 60_000;

/**
 * Creates an empty memory.
 *
 * @param steadyNow Milliseconds of a clock that never goes back.
 */
export function createRecentRefusals(steadyNow: () => number): RecentRefusals {
  /** Oldest first. */
  const refusals = new Map<ChannelId, { readonly at: number; readonly reason: string }>();
  const isFresh = (at: number) => steadyNow() - at < FRESH_MS;
  return {
    get size() {
      return refusals.size;
    },
    reasonOf(channelId) {
      const found = refusals.get(channelId);
      return found && isFresh(found.at) ? found.reason : undefined;
    },
    add(channelId, reason) {
      refusals.delete(channelId);
      refusals.set(channelId, { at: steadyNow(), reason });
      for (const [oldest, { at }] of refusals) {
        if (isFresh(at)) break;
        refusals.delete(oldest);
      }
    },
    delete: (channelId) => void refusals.delete(channelId),
  };
}
