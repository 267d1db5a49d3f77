/**
 * Makes one attempt of a request: sends it, applies the limits of the response, classifies the
 * outcome, and decides whether and when it is retried (D5).
 *
 * Only requests that may be carried out twice are retried. Creating a message twice is harmless too,
 * because of its nonce. But the outbox decides when, because it knows how long Discord remembers the
 * nonce.
 *
 * @module
 */

import { isDiscordError, RestError } from "../exchange/rest_error.ts";
import { type Route, routeOf } from "../exchange/route.ts";
import type { Breaker } from "../scheduler/global_limit.ts";
import type { Permit } from "../scheduler/rate_limiter.ts";
import { limitsOf } from "../scheduler/buckets.ts";
import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import type { Priority } from "../scheduler/pace.ts";
import { type BodyOptions, failureOf, type OutgoingRequest, type ParsedAnswer } from "./send.ts";

/** The outcome of one attempt. */
export type Attempt =
  | { readonly kind: "done"; readonly body: unknown }
  /**
   * `limited`: refused by a rate limit with a duration. `token`: Discord does not know the token.
   */
  | { readonly kind: "limited" | "token" | "failed"; readonly error: RestError };

/** Makes the attempts of one client. */
export interface Attempts {
  /** Sends a request once. A failure of the request is an outcome, never thrown. */
  once(permit: Permit, request: Omit<OutgoingRequest, "waitMs">): Promise<Attempt>;
  /**
   * Asks Discord whether it knows the token.
   *
   * For a bot whose token has worked: one refusal does not end it, because Discord has been
   * observed to refuse a valid token. Refusals count against the address, so a token that never
   * worked is not tried again.
   */
  isTokenValid(permit: Permit): Promise<boolean>;
  /** Whether Discord has ever accepted the bot's token. */
  readonly hasWorked: boolean;
}

/** Creates the attempts of one client. */
export function createAttempts(
  send: (request: OutgoingRequest) => Promise<ParsedAnswer>,
  breaker: Pick<Breaker, "note">,
): Attempts {
  let hasWorked = false;

  return {
    async once(permit, request) {
      const { route, body } = request;
      try {
        const sending = send({ ...request, waitMs: permit.waitMs });
        permit.sent();
        const answer = await sending;
        breaker.note(answer.status, answer.headers);
        const limits = limitsOf(answer.status, answer.headers, answer.body);
        const pauseMs = permit.answered(limits);
        const error = failureOf(route, answer, limits.refused && pauseMs);
        const hasBotToken = usesBotToken(route, body);
        if (!error) {
          hasWorked ||= hasBotToken;
          return { kind: "done", body: answer.body };
        }
        if (answer.status === 401 && isDiscordError(answer.body) && hasBotToken) {
          return { kind: "token", error };
        }
        return { kind: limits.refused?.retryMs === undefined ? "failed" : "limited", error };
      } catch (error) {
        if (!(error instanceof RestError)) throw error;
        return { kind: "failed", error };
      }
    },
    async isTokenValid({ waitMs }) {
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

/** A 401 for a webhook or an interaction is about its own token. */
function usesBotToken(route: Route, { unauthorized, headers }: BodyOptions): boolean {
  return !route.carriesToken && unauthorized !== true && headers?.["authorization"] === undefined;
}

/** A failed attempt of a request. */
export interface Failure {
  /** HTTP method. */
  readonly method: string;
  /** The request's priority; `spare` is never retried. */
  readonly priority: Priority;
  /** The error of the last attempt. */
  readonly error: Pick<RestError, "kind" | "status">;
  /** Number of failed attempts, including this one. */
  readonly failures: number;
}

/**
 * Decides on a failed attempt. A rate limit with a duration is none: the caller waits for its end.
 *
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds to wait before the next attempt; `undefined` for no retry.
 */
export function retryWaitMs(
  { method, priority, error: { kind, status = 500 }, failures }: Failure,
  rules: RetryRules,
  random: number,
): number | undefined {
  if (method === "POST" || priority === "spare" || failures >= rules.attempts) return undefined;
  if (status === 429) return 0; // the rate limiter already closes its bucket, or all requests, for long enough
  const isTransient = (kind === "unavailable" || kind === "unsent") &&
    (status < 300 || status >= 500);
  return isTransient ? retryDelayMs(failures, random, rules) : undefined;
}
