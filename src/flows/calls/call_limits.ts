/** Bounds the calls and acts of each program, over all of its connections (O14). */

import { type CallingProgram, CallRefused } from "../../core/calls/desk.ts";

const MINUTE_MS = 60_000;

/** Creates the limits of one account. */
export function createCallLimits(now: () => number) {
  /** Times of the last minute's requests, by program. */
  const asked = new Map<string, number[]>();
  /** Number of calls that wait for their answers, by program. */
  const open = new Map<string, number>();

  return {
    /**
     * Counts a request.
     *
     * @throws {CallRefused} If the program has made too many.
     */
    count({ program, perMinute }: CallingProgram): void {
      const at = now();
      const recent = (asked.get(program) ?? []).filter((one) => at - one < MINUTE_MS);
      asked.set(program, recent);
      if (recent.length < perMinute) return void recent.push(at);
      const waitSec = Math.ceil((MINUTE_MS - (at - (recent[0] ?? at))) / 1_000);
      throw new CallRefused(
        "too_many",
        `${program} may make ${perMinute} requests a minute; try again in ${waitSec} s`,
      );
    },
    /**
     * Takes a place for a call.
     *
     * @returns Gives it back, once.
     * @throws {CallRefused} If there is none.
     */
    take({ program, atOnce }: CallingProgram): () => void {
      const taken = open.get(program) ?? 0;
      if (taken >= atOnce) {
        const answers = taken === 1 ? "an answer" : `${taken} answers`;
        throw new CallRefused("too_many", `${program} waits for ${answers} already`);
      }
      open.set(program, taken + 1);
      let isBack = false;
      return () => {
        if (isBack) return;
        isBack = true;
        open.set(program, (open.get(program) ?? 1) - 1);
      };
    },
  };
}
