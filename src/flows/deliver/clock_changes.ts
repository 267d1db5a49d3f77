/**
 * Keeps a change of the clock from ageing waiting rows.
 *
 * Until its network is up, a Pi's clock continues from its last hours; then it jumps ahead by days.
 * Barnacle must not give up a row that has failed for a minute as if it had failed for a day (D5).
 * So the stored times move along with the clock. If the clock is set back, rows only seem younger,
 * and nothing moves.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { Outbox } from "../../core/store/outbox.ts";

/** Everything that watching the clock needs from outside. */
export interface ClockChangesPorts {
  /** The account whose rows move. */
  readonly accountId: AccountId;
  /** The store's outbox. */
  readonly outbox: Pick<Outbox, "shiftFailing">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that no one sets: `performance.now()`. */
  readonly steadyNow: () => number;
}

/** How far the clock was set since the start. */
export interface ClockChanges {
  /**
   * Compares the clocks, and moves the stored times if the clock was set forward.
   *
   * @throws {unknown} The store's error, as a rejection; the next call tries again.
   */
  check(): Promise<void>;
  /** Total milliseconds by which the clock was set forward, as far as stored times moved. */
  setForwardMs(): number;
  /**
   * Brings a row up to date.
   *
   * @param setForwardMs {@link ClockChanges.setForwardMs} from before the row was read.
   */
  shifted(row: OutboxRow, setForwardMs: number): OutboxRow;
}

/**
 * Smallest change that counts, in milliseconds. A smaller one does not matter for waits of a day.
 */
const LEAST_MS = 5 * 60_000;

/** Starts watching the clock of this process. */
export function createClockChanges(
  { accountId, outbox, now, steadyNow }: ClockChangesPorts,
): ClockChanges {
  const ahead = () => now() - steadyNow();
  let seen = ahead();
  let setMs = 0;

  return {
    async check() {
      const byMs = ahead() - seen;
      if (Math.abs(byMs) < LEAST_MS) return;
      seen += byMs;
      if (byMs < 0) return;
      try {
        await outbox.shiftFailing(accountId, byMs, now() - byMs);
      } catch (error) {
        seen -= byMs;
        throw error;
      }
      setMs += byMs; // only now, so that a row read before counts as older, never as newer
    },
    setForwardMs: () => setMs,
    shifted(row, setForwardMs) {
      const byMs = setMs - setForwardMs;
      const { failingSince } = row;
      if (byMs <= 0 || failingSince === undefined || failingSince > now() - byMs) return row;
      return { ...row, failingSince: failingSince + byMs };
    },
  };
}
