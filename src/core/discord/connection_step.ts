/**
 * The steps of a shard's connection, as health checks and metrics show them.
 *
 * @module
 */

/** All steps, in the order of the metrics. */
export const CONNECTION_STEPS = [
  "connecting",
  "identifying",
  "resuming",
  "ready",
  "backoff",
  "fatal",
] as const;

/** A step. `backoff`: it waits before the next attempt. `fatal`: Discord refuses it for good. */
export type ConnectionStep = (typeof CONNECTION_STEPS)[number];
