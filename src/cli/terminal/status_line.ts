/**
 * Shows one line on a terminal while slow work runs, and clears it afterwards.
 *
 * @module
 */

import type { StartTimer } from "../../lib/clock.ts";

/** Milliseconds until the line appears, and between two updates of its seconds. */
const SECOND_MS = 1_000;

/** To the line's beginning, and erase it. */
const ERASE = "\r\u001b[K";

/** The terminal that the line is written to. */
export interface StatusStream {
  /** Columns of the terminal; 80 if it does not say. */
  readonly columns?: number;
  /** Writes to the terminal. */
  write(text: string): unknown;
}

/** A line such as `Checking the connection to Discord (3 s)`. */
export interface StatusLine {
  /**
   * Shows a text if the work takes more than a second; only one text at a time.
   *
   * @returns Its own promise, once the line is cleared.
   */
  during<T>(text: string, work: Promise<T>): Promise<T>;
  /** Erases the line before other output; it comes back with the next second. */
  erase(): void;
}

/** Creates the status line of a terminal. */
export function createStatusLine(stream: StatusStream, schedule: StartTimer): StatusLine {
  let isShown = false;

  function erase(): void {
    if (isShown) stream.write(ERASE);
    isShown = false;
  }

  return {
    erase,
    async during(text, work) {
      let seconds = 0;
      let cancel = schedule(tick, SECOND_MS);
      function tick(): void {
        seconds += 1;
        // A line that wraps could not be erased.
        const line = `${text} (${seconds} s)`.slice(0, (stream.columns ?? 80) - 1);
        stream.write(`${ERASE}${line}`);
        isShown = true;
        cancel = schedule(tick, SECOND_MS);
      }
      try {
        return await work;
      } finally {
        cancel();
        erase();
      }
    },
  };
}
