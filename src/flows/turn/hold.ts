/**
 * Holds turns back while what came before them is still being fetched.
 *
 * After a gap the live messages of a channel arrive first and the missed ones
 * later; to answer in the order in which people spoke, a channel's turns wait
 * until its history is in. They wait for everything until it is known which
 * channels have one, and for nothing any more after half a minute: a broken
 * REST API must not keep the bot from answering at all.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { Schedule } from "../../lib/schedule.ts";

export interface Hold {
  /**
   * A new session is to begin, and what was missed before it is to be read.
   *
   * @param isAnew Whether it is another loss than before: it has a time of its own then. A guild
   * may stay away for a day, or a box boot long before its router, and all of that is one gap.
   */
  expect(isAnew: boolean): void;
  /** Something was missed, and the channels in which it was are being listed. */
  begin(): void;
  /** A channel whose history is to be fetched. */
  keep(channelId: ChannelId): void;
  /** All channels are known. */
  narrow(): void;
  /** A channel's history is in. */
  release(channelId: ChannelId): void;
  /** Nothing is to be fetched any more. */
  end(): void;
  /** Channels in which no turn may begin. */
  held(): "all" | readonly ChannelId[];
}

/** How long all channels wait for the list of those that have something, in milliseconds. */
export const ALL_MS = 5_000;
/** How long any channel waits, in milliseconds, from the first moment on. */
export const HOLD_MS = 30_000;

/** @param onReleased Turns may begin that could not before. */
export function createHold(schedule: Schedule, onReleased: () => void): Hold {
  const channels = new Set<ChannelId>();
  /** - `open`: nothing is to be fetched; `over`: it takes too long. */
  let state: "open" | "all" | "some" | "over" = "open";
  let callOffAll: (() => void) | undefined;
  let callOffHold: (() => void) | undefined;

  function become(next: typeof state): void {
    const before = state;
    state = next;
    if (next !== "all") {
      callOffAll?.();
      callOffAll = undefined;
    }
    if (before !== next && (before === "all" || before === "some")) onReleased();
  }

  function holdAll(isAnew: boolean): void {
    if (state === "over" && !isAnew) return;
    callOffHold ??= schedule(() => {
      callOffHold = undefined;
      become("over");
    }, HOLD_MS);
    callOffAll?.();
    callOffAll = undefined;
    state = "all";
  }

  return {
    expect: holdAll,
    begin() {
      holdAll(false);
      if (state === "all") callOffAll = schedule(() => become("some"), ALL_MS);
    },
    keep: (channelId) => void channels.add(channelId),
    narrow() {
      if (state === "all") become("some");
    },
    release(channelId) {
      if (channels.delete(channelId) && state === "some") onReleased();
    },
    end() {
      channels.clear();
      callOffHold?.();
      callOffHold = undefined;
      become("open");
    },
    held() {
      if (state === "all") return "all";
      return state === "some" ? [...channels] : [];
    },
  };
}
