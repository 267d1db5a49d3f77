/**
 * Keeps a clock that is set from ageing what waits.
 *
 * A Pi has the time of its last hours until its network is up, and is days older
 * then at a stroke. What has failed for a minute must not be given up as if it
 * had failed for a day (D5), so what is stored moves along with the clock. Set
 * back, it makes nothing older, and needs nothing.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";

export interface ClockSetPorts {
  readonly accountId: AccountId;
  readonly outbox: {
    /** All that fails since `until` or before fails since so many milliseconds later. */
    shiftFailing(accountId: AccountId, byMs: number, until: number): Promise<void>;
  };
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set: `performance.now()`. */
  readonly steadyNow: () => number;
}

export interface ClockSet {
  /** Looks at the clock, and stores where it was set. */
  look(): Promise<void>;
  /** By how many milliseconds the clock was set forward so far, in all, as what is stored has it. */
  inAll(): number;
  /** A row that was read at such an {@link inAll}, as it is now. */
  sinceThen(row: OutboxRow, inAll: number): OutboxRow;
}

/** What is set by less matters to nothing that takes a day, and is shorter than any request. */
const LEAST_MS = 5 * 60_000;

export function createClockSet({ accountId, outbox, now, steadyNow }: ClockSetPorts): ClockSet {
  const ahead = () => now() - steadyNow();
  let seen = ahead();
  let setMs = 0;

  return {
    async look() {
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
      setMs += byMs; // only now: what is read before is the older, never the newer
    },
    inAll: () => setMs,
    sinceThen(row, inAll) {
      const byMs = setMs - inAll;
      const { failingSince } = row;
      if (byMs <= 0 || failingSince === undefined || failingSince > now() - byMs) return row;
      return { ...row, failingSince: failingSince + byMs };
    },
  };
}
