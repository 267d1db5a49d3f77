/**
 * Chooses between the short form of a test, for every run, and its long form.
 *
 * `deno task chaos -- long` plays the long form of all tests that import this file.
 */

import process from "node:process";

/** Whether the long forms run. */
export const IS_LONG = process.env["BARNACLE_LONG"] === "1";

/**
 * Number of cases: a few in every run, many in the long form.
 *
 * @param many As many as in every run by default.
 */
export function cases(few: number, many: number = few): number {
  return IS_LONG ? many : few;
}

/**
 * Crash points of the whole bot: one of each kind in every run, because each costs two starts, and
 * all in the long form. `tests/flows/crash_model_test.ts` plays every step in every run.
 */
export const crashPoints = <Point>(few: readonly Point[], more: readonly Point[]) =>
  IS_LONG ? [...few, ...more] : few;
