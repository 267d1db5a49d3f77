/**
 * Names the argument by which `main.ts` serves a job instead of a command.
 *
 * It stands alone, so that a start loads nothing of the sandbox.
 */

export const JOB_ARGUMENT = "--job";
