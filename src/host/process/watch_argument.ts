/**
 * Names the argument by which `main.ts` watches a new version instead of running a command.
 *
 * It stands alone, so that a start loads nothing of the upgrade.
 */

/** The argument. The task as JSON follows it, and then the arguments of the bot. */
export const WATCH_ARGUMENT = "--watch-upgrade";
