/**
 * Counts the failed attempts at the first message of a channel's queue, and decides when such a
 * message holds the channel up for nothing (D5).
 *
 * Discord may answer one message with a server error each time, and serve all other requests. Such
 * a message must not stop its channel for a day. During an outage of Discord, on the other hand,
 * no message may be set aside: all of them would fail.
 *
 * @module
 */

import type { OutboxRow } from "./outbound.ts";

/** Failed attempts in a row at one message. */
export interface Failures {
  /** Number of failed attempts. */
  readonly failed: number;
  /**
   * Number of the last failed attempts before each of which Discord served another request to the
   * channel.
   */
  readonly served: number;
}

/** Failures after which a message is set aside. */
const FAILED = 10;
/** Time over which a message must have failed, in milliseconds. */
const FAILING_MS = 10 * 60_000;
/**
 * Number of the last failures that other requests must surround. At the end of an outage, one
 * request may succeed just before another one fails.
 */
const SERVED = 3;

/**
 * Counts one more failure.
 *
 * @param wasServed Whether Discord has served another request to the channel since the last one.
 */
export function failedAgain(before: Failures | undefined, wasServed: boolean): Failures {
  return {
    failed: (before?.failed ?? 0) + 1,
    served: wasServed ? (before?.served ?? 0) + 1 : 0,
  };
}

/**
 * Whether a message alone fails, so that the rest of its channel should go on without it.
 *
 * @param now Unix time in milliseconds.
 */
export function isStuckAlone(
  { failingSince }: Pick<OutboxRow, "failingSince">,
  { failed, served }: Failures,
  now: number,
): boolean {
  return failed >= FAILED && served >= SERVED && failingSince !== undefined &&
    now - failingSince >= FAILING_MS;
}
