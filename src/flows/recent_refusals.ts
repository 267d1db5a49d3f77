/**
 * Channels in which Discord refused a message within the last minute, and why.
 *
 * A message as old as the refused one, waiting behind it, needs no request of its own. Only
 * refusals of the last minute are kept, and each cost a request, so Discord's global rate limit
 * bounds how many there are: 3,000 by default.
 *
 * @module
 */

import type { ChannelId } from "../core/discord/ids.ts";

export interface RecentRefusals {
  readonly size: number;
  /** @returns Why Discord refused a message there within the last minute. */
  reasonOf(channelId: ChannelId): string | undefined;
  add(channelId: ChannelId, reason: string): void;
  /** A message has arrived there. */
  delete(channelId: ChannelId): void;
}

/** How long a refusal stands for the messages behind it, in milliseconds. */
const FRESH_MS = 60_000;

/** @param steadyNow Milliseconds of a clock that never goes back. */
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
