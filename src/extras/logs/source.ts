/** Declares a place that has the lines of a log: files, the journal of systemd, or stdin. */

import type { ReadLine } from "./lines.ts";

/** A place with lines. Each method is called once at most. */
export interface LogSource {
  /** For people: `"/var/lib/barnacle/barnacle.log"`. */
  readonly name: string;
  /**
   * All lines, the newest first; absent: only {@link LogSource.from} reads them.
   *
   * @throws {StartError} If the lines cannot be read.
   */
  newestFirst?(): AsyncIterable<ReadLine>;
  /**
   * The lines in their order.
   *
   * @param since Lines before this time may be left out.
   */
  from(since: number | undefined): AsyncIterable<ReadLine>;
  /** Lines that come after those of {@link LogSource.newestFirst}, until the signal. */
  follow(signal: AbortSignal): AsyncIterable<ReadLine>;
}
