/** Values of `store.trends`: figures by minute and by hour, for the charts of the dashboard. */

/** Figures of a minute or of an hour. */
export interface Trend {
  /** Unix time in milliseconds at which it began. */
  readonly at: number;
  /** Messages with the verdict `accept`. */
  readonly accepted: number;
  /** Messages with any other verdict. */
  readonly ignored: number;
  /** Turns that ended with an answer. */
  readonly answers: number;
  /** Turns that failed. */
  readonly failures: number;
  /** Milliseconds from a message to the end of its turn: the median; 0 without an answer. */
  readonly medianMs: number;
  /** The same: the slowest. */
  readonly slowestMs: number;
  /** Maximum number of messages that waited for a turn. */
  readonly waiting: number;
  /** Maximum number of messages that waited for Discord. */
  readonly unsent: number;
}

/** Length of a trend in seconds: a minute or an hour. */
export type TrendSpan = 60 | 3_600;
