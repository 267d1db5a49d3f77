/** Tells whether a program or a server sends too much in a second. */

import type { Clock } from "./clock.ts";

/** Maximum number of lines or events in a second. Servers send a few for each call. */
export const MAX_IN_SECOND = 2_000;
const SECOND_MS = 1_000;

/**
 * Counts the lines or events of one server.
 *
 * @param now Milliseconds of a clock that never goes back.
 * @returns A function that adds some, and tells whether there are too many now.
 */
export function createFloodCheck(now: Clock["now"]): (added: number) => boolean {
  let beganAt = now();
  let counted = 0;
  return (added: number): boolean => {
    const at = now();
    if (at - beganAt >= SECOND_MS) [beganAt, counted] = [at, 0];
    counted += added;
    return counted > MAX_IN_SECOND;
  };
}
