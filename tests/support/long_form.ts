/**
 * Chooses between the short form of a test, for every run, and its long form.
 *
 * `deno task chaos -- long` plays the long form of all tests that import this file.
 */

import process from "node:process";

/** Whether the long forms run. */
export const IS_LONG = process.env["BARNACLE_LONG"] === "1";

/** Number of cases: a few in every run, many in the long form. */
export function cases(few: number, many: number): number {
  return IS_LONG ? many : few;
}
