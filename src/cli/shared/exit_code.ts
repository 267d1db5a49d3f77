/**
 * What an exit code means, the same for every command (O7).
 *
 * The numbers are those of sysexits, so that a supervisor can tell what a
 * restart would mend: a supervisor should not restart on `refused` and
 * `config`. O7 also has 69, for a command that is not built yet.
 *
 * @module
 */

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Warnings only (`doctor`). */
  partly: 3,
  /** Disk or database. */
  io: 74,
  /** Another instance, a port in use, gave up: try again. */
  tryAgain: 75,
  /** Discord refused the token or the intents. */
  refused: 77,
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
