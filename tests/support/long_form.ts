/**
 * Chooses between the short form of a test, for every run, and its long form.
 *
 * `deno task chaos -- long` plays the long form of all tests that import this file.
 */

import process from "node:process";

/** Whether the long forms run. */
export const IS_LONG = process.env["BARNACLE_LONG"] === "1";

let divisor = 1;

/** From now on, tests take a part of their few cases, because another run plays all of them. */
export function fewerCases(by: number): void {
  divisor = by;
}

/**
 * Number of cases: a few in every run, many in the long form.
 *
 * @param many As many as in every run by default.
 */
export function cases(few: number, many: number = few): number {
  return IS_LONG ? many : Math.ceil(few / divisor);
}
