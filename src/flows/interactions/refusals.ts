/**
 * Decides how the bot answers a person without the right to a command or a component (X4a).
 *
 * The person reads the first refusal. A second press within a minute has no effect, because the
 * refusal is still on the screen. Each command and form gets the words: Discord shows "is thinking"
 * there, and its removal would cost the same request. The requests for all of that stay below a number
 * a second, so they delay no answer to other people. The log gets a line for the first refusal of a
 * person in a minute.
 */

import type { Account } from "../../core/account/account.ts";
import type { UserId } from "../../core/discord/ids.ts";

/**
 * The end of a refused interaction. `tell`: the person reads it. `repeat`: so does the person, and the
 * log gets no line. `nothing`: it costs no request.
 */
type RefusalEnd = "tell" | "repeat" | "nothing";

/** Milliseconds in which a person reads one refusal of a press, and causes one line of the log. */
export const TOLD_EVERY_MS = 60_000;

/** Maximum number of requests for refusals in a second, of all people together. */
export const REFUSALS_PER_SEC = 10;

/** The part of them for people who have read a refusal within a minute. */
export const REPEATS_PER_SEC: number = REFUSALS_PER_SEC / 2;

/** Creates the decisions. No person has read a refusal so far. */
export function createRefusals({ now }: Pick<Account, "now">) {
  const toldAt = new Map<UserId, number>();
  let second = { from: -Infinity, requests: 0 };

  function mayRequest(at: number, perSec: number): boolean {
    if (Math.abs(at - second.from) >= 1_000) second = { from: at, requests: 0 };
    if (second.requests >= perSec) return false;
    second.requests++;
    return true;
  }

  /** Forgets people who may read a refusal again. */
  function forgetOld(at: number): void {
    for (const [userId, told] of toldAt) if (at - told >= TOLD_EVERY_MS) toldAt.delete(userId);
  }

  return {
    /**
     * Decides the next refusal of a person.
     *
     * @param isThinking Whether Discord shows the person that an answer will follow.
     */
    next(userId: UserId, isThinking: boolean): RefusalEnd {
      const at = now();
      const told = toldAt.get(userId);
      const wasTold = told !== undefined && Math.abs(at - told) < TOLD_EVERY_MS;
      const hasRoom = (isThinking || !wasTold) &&
        mayRequest(at, wasTold ? REPEATS_PER_SEC : REFUSALS_PER_SEC);
      if (hasRoom && !wasTold) {
        if (toldAt.size >= 2 * TOLD_EVERY_MS / 1_000 * REFUSALS_PER_SEC) forgetOld(at);
        toldAt.set(userId, at);
        return "tell";
      }
      return hasRoom ? "repeat" : "nothing";
    },
  };
}
