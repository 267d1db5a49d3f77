/**
 * What an exit code means, the same for every command (O7).
 *
 * The numbers are those of sysexits, so that a supervisor can tell what a
 * restart would mend: the unit stays down on `refused` and `config`.
 *
 * @module
 */

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Some of it; of `doctor`: warnings only. */
  partly: 3,
  /** The model cannot be reached. */
  unavailable: 69,
  /** Disk or database. */
  io: 74,
  /** Another instance, a port in use, gave up: try again. */
  tryAgain: 75,
  /** Discord refused the token or the intents. */
  refused: 77,
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
