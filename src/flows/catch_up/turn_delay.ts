/**
 * Delays turns while Barnacle still fetches earlier messages.
 *
 * After a gap, a channel's live messages arrive first and the missed ones later. To answer in the
 * order in which people wrote, a channel's turns wait until its history is complete. All turns wait
 * until Barnacle knows which channels have missed messages. No turn waits longer than half a
 * minute: a broken REST API must not keep the bot from answering.
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Milliseconds for which all channels wait for the list of channels with missed messages. */
const LISTING_MS = 5_000;
/** Milliseconds for which any channel waits, counted from the first call. */
const MAX_DELAY_MS = 30_000;

/**
 * Creates the delay of one account; all turns may begin.
 *
 * @param onReleased Called when turns may begin that had to wait before.
 */
export function createTurnDelay(schedule: StartTimer, onReleased: () => void) {
  const channels = new Set<ChannelId>();
  /** - `open`: nothing to fetch; `over`: fetching takes too long. */
  let state: "open" | "all" | "some" | "over" = "open";
  let cancelListing: (() => void) | undefined;
  let cancelDelay: (() => void) | undefined;

  function setState(next: typeof state): void {
    const before = state;
    state = next;
    if (next !== "all") {
      cancelListing?.();
      cancelListing = undefined;
    }
    if (before !== next && (before === "all" || before === "some")) onReleased();
  }

  function delayAll(isNewGap: boolean): void {
    if (state === "over" && !isNewGap) return;
    cancelDelay ??= schedule(() => {
      cancelDelay = undefined;
      setState("over");
    }, MAX_DELAY_MS);
    cancelListing?.();
    cancelListing = undefined;
    state = "all";
  }

  return {
    /**
     * Tells that messages were missed, or will be read once a new gateway session has begun.
     *
     * @param isNewGap Whether this is another gap than before, with its own time limit. A guild may
     * stay away for a day, or a box boot long before its router: each is one gap.
     */
    expectGap: delayAll,
    /** Tells that catch-up is listing the channels, and that no further session is expected. */
    startListing(): void {
      if (state === "all") cancelListing ??= schedule(() => setState("some"), LISTING_MS);
    },
    /** Adds a channel whose history catch-up will fetch. */
    addChannel: (channelId: ChannelId): void => void channels.add(channelId),
    /** Tells that the list of such channels is complete. */
    finishListing(): void {
      if (state === "all") setState("some");
    },
    /** Tells that a channel's history is complete. */
    releaseChannel(channelId: ChannelId): void {
      if (channels.delete(channelId) && state === "some") onReleased();
    },
    /** Tells that catch-up has nothing more to fetch. */
    end(): void {
      channels.clear();
      cancelDelay?.();
      cancelDelay = undefined;
      setState("open");
    },
    /** Channels in which no turn may begin. */
    delayedChannels(): "all" | readonly ChannelId[] {
      if (state === "all") return "all";
      return state === "some" ? [...channels] : [];
    },
  };
}
