/**
 * Makes one attempt of a request: sends it, keeps what the answer says of limits, and names the
 * outcome.
 *
 * @module
 */

import { isDiscordError, RestError } from "../exchange/rest_error.ts";
import { type Route, routeOf } from "../exchange/route.ts";
import type { Breaker } from "../scheduler/breaker.ts";
import type { Passage } from "../scheduler/departures.ts";
import { limitsOf } from "../scheduler/limits.ts";
import { type Answered, type BodyOptions, failureOf, type Sending } from "./send.ts";

/** The outcome of one attempt. */
export type Attempt =
  | { readonly kind: "done"; readonly body: unknown }
  /** `limited`: turned away by a limit that says for how long. `token`: Discord knows no such token. */
  | { readonly kind: "limited" | "token" | "failed"; readonly error: RestError };

export interface Attempts {
  once(passage: Passage, sending: Omit<Sending, "waitMs">): Promise<Attempt>;
  /**
   * Asks Discord whether it knows the token.
   *
   * Asked by a bot that has worked, which is not ended by one refusal: Discord has been seen to take
   * a good token for none. Refusals are counted against the address, so a token that never worked is
   * not tried again.
   */
  isTokenGood(passage: Passage): Promise<boolean>;
  /** Whether Discord has ever accepted the bot's token. */
  readonly hasWorked: boolean;
}

export function createAttempts(
  send: (sending: Sending) => Promise<Answered>,
  breaker: Pick<Breaker, "note">,
): Attempts {
  let hasWorked = false;

  return {
    async once(passage, wanted) {
      const { route, body } = wanted;
      try {
        const sending = send({ ...wanted, waitMs: passage.waitMs });
        passage.left();
        const answer = await sending;
        breaker.note(answer.status, answer.headers);
        const limits = limitsOf(answer.status, answer.headers, answer.body);
        const pauseMs = passage.note(limits);
        const error = failureOf(route, answer, limits.refused && pauseMs);
        const isBots = usesBotToken(route, body);
        if (!error) {
          hasWorked ||= isBots;
          return { kind: "done", body: answer.body };
        }
        if (answer.status === 401 && isDiscordError(answer.body) && isBots) {
          return { kind: "token", error };
        }
        return { kind: limits.refused?.retryMs === undefined ? "failed" : "limited", error };
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        return { kind: "failed", error };
      }
    },
    async isTokenGood({ waitMs }) {
      const [method, path] = ["GET", "/users/@me"] as const;
      const answer = await send({ route: routeOf(method, path), method, path, body: {}, waitMs });
      breaker.note(answer.status, answer.headers);
      return answer.status !== 401;
    },
    get hasWorked() {
      return hasWorked;
    },
  };
}

/** A webhook's or an interaction's 401 is about its own token. */
function usesBotToken(route: Route, { unauthorized, headers }: BodyOptions): boolean {
  return !route.carriesToken && unauthorized !== true && headers?.["authorization"] === undefined;
}
