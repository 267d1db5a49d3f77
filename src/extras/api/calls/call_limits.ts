/** Bounds the calls and acts of each program, over all of its connections (O14). */

import { type CallingProgram, CallRefused } from "../../../core/programs/service.ts";

const MINUTE_MS = 60_000;
/** Requests for the answers of earlier calls, for each other request: programs poll for an answer. */
const READS_EACH = 10;

export function createCallLimits(now: () => number) {
  /** Times of the last minute's calls and acts, by program. */
  const asked = new Map<string, number[]>();
  /** The same of requests for the answers of earlier calls. They take no place of the others. */
  const looked = new Map<string, number[]>();
  /** Number of calls that wait for their answers, by program. */
  const open = new Map<string, number>();

  function countIn(
    times: Map<string, number[]>,
    program: string,
    most: number,
    rule: string,
  ): void {
    const at = now();
    // A clock that is set back delays no request.
    const recent = (times.get(program) ?? []).filter((one) => Math.abs(at - one) < MINUTE_MS);
    times.set(program, recent);
    if (recent.length < most) return void recent.push(at);
    const waitSec = Math.ceil((MINUTE_MS - (at - (recent[0] ?? at))) / 1_000);
    throw new CallRefused("too_many", `${program} ${rule}; try again in ${waitSec} s`, waitSec);
  }

  return {
    /**
     * Counts a call or an act.
     *
     * @throws {CallRefused} If the program has made too many.
     */
    count({ program, perMinute }: CallingProgram): void {
      countIn(asked, program, perMinute, `may make ${perMinute} requests a minute`);
    },
    /**
     * Counts a request for the answer of an earlier call.
     *
     * @throws {CallRefused} If the program has made too many.
     */
    countRead({ program, perMinute }: CallingProgram): void {
      const most = perMinute * READS_EACH;
      countIn(looked, program, most, `may ask ${most} times a minute for earlier answers`);
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
