/**
 * Calls Discord's REST API: waits for rate limits, and retries requests that may be repeated.
 *
 * Discordeno's queue waits for ever after one lost response, and changes the order of messages after
 * a 429. So the queue is Barnacle's own. Any other failure goes to the caller.
 */

import { RestError } from "../exchange/rest_error.ts";
import {
  type BodyOptions,
  type ClientOptions,
  createRequestAttempts,
  retryWaitMs,
} from "./send.ts";
import { createRoutes, type RestRoute } from "../exchange/route.ts";
import { HOMEPAGE } from "../../../version.ts";
import { type BreakerState, createBreaker, type Priority } from "../scheduler/global_limit.ts";
import { createRateLimiter } from "../scheduler/rate_limiter.ts";

export type { ClientOptions } from "./send.ts";

/** An HTTP method of Discord's API. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface RequestOptions extends BodyOptions {
  /** Deadline, Unix time in milliseconds; a request that cannot leave by then fails instead. */
  readonly notAfter?: number;
  /** Cancels the request, waiting or in flight. */
  readonly signal?: AbortSignal;
  /** Timeout in milliseconds; default: the client's. */
  readonly timeoutMs?: number;
  /**
   * Default: that of a reply. `interaction` and `privileged` have slots of their own, `background`
   * leaves after all others. `spare` leaves at once or fails as `unsent`, and is never retried.
   */
  readonly priority?: Exclude<Priority, "reply">;
}

export type RestApi = Pick<RestClient, "request">;

/**
 * Builds the User-Agent that Discord requires of bots; without it, Discord answers 403.
 *
 * @param version Barnacle's version.
 */
export function userAgentOf(version: string): string {
  return `DiscordBot (${HOMEPAGE}, ${version})`;
}

/**
 * Creates the client of one account.
 *
 * @throws {TypeError} If an HTTP header cannot carry the token; the message does not contain it.
 */
export function createClient(options: ClientOptions) {
  const { token, version, retry, random, now, invalidRequests, onTokenRefused } = options;
  const problem = tokenProblem(token);
  if (problem !== undefined) throw new TypeError(problem);
  const breaker = createBreaker(invalidRequests, options, options.onBreaker);
  const rateLimiter = createRateLimiter(options, breaker);
  const attempts = createRequestAttempts(options, breaker, userAgentOf(version));
  const routeOf = createRoutes();
  let isRefused = false;

  async function request(method: Method, path: string, requestOptions: RequestOptions = {}) {
    const { notAfter = Infinity, priority = "reply", signal, timeoutMs } = requestOptions;
    const { body, files, reason } = requestOptions;
    const route = routeOf(method, path);
    const outgoing = { route, path, body, files, reason, signal, timeoutMs };
    let permit = await rateLimiter.acquire(route, { priority, notAfter, signal });
    /** Set once Discord may have carried out an attempt; a later `unsent` must not deny that. */
    let uncertainty: RestError | undefined;
    try {
      for (let failures = 1;; failures++) {
        const attempt = await attempts.once(permit, outgoing);
        if (attempt.kind === "done") return attempt.body;
        const { kind, error } = attempt;
        if (kind === "token") {
          if (!attempts.hasWorked) throw refuseToken(error);
          permit = await permit.retry(0);
          throw await attempts.isTokenValid(permit) ? wrongRefusal(route) : refuseToken(error);
        }
        if (error.kind === "unavailable") uncertainty = error;
        if (kind === "limited") failures--;
        const waitMs = kind === "limited" && priority !== "spare"
          ? 0
          : retryWaitMs({ method, priority, error, failures }, retry, random());
        if (waitMs === undefined || now() + waitMs > notAfter) throw error;
        permit = await permit.retry(waitMs);
      }
    } catch (error) {
      throw uncertainty && error instanceof RestError && error.kind === "unsent"
        ? uncertainty
        : error;
    } finally {
      permit.release();
    }
  }

  function refuseToken(error: RestError): RestError {
    rateLimiter.close("unauthorized", "Discord rejected the bot token; set a new one and restart");
    if (!isRefused) onTokenRefused?.();
    isRefused = true;
    return error;
  }

  return {
    /**
     * Sends a request, and waits for rate limits as long as Discord demands.
     *
     * @param path From `/` on, without the API's version.
     * @returns The parsed body with Discord's own field names; `undefined` if the body is empty.
     * @throws {RestError} If the request does not succeed.
     */
    request,
    /** Lets all answers to interactions leave at once, because the bot stops. */
    hurry: rateLimiter.hurry,
    /** Cancels all requests, in flight or waiting, and refuses new ones. */
    stop(): void {
      rateLimiter.close("unsent", "Barnacle is stopping");
      attempts.stop(new DOMException("Barnacle is stopping", "AbortError"));
    },
    /** Returns the client's state now. */
    status(): {
      /** Invalid requests of the address in the last ten minutes. */
      readonly invalidRequests: number;
      readonly breaker: BreakerState;
      /** Number of waiting requests. */
      readonly queued: number;
      /** Milliseconds of the longest wait for a limit of Discord; 0 if no request waits for one. */
      readonly limitedMs: number;
    } {
      return {
        invalidRequests: invalidRequests.count(now()),
        breaker: breaker.check().state,
        queued: rateLimiter.queued,
        limitedMs: rateLimiter.longestWaitMs(),
      };
    },
    /** Discord's time by its newest answer; before that, this machine's, which may be wrong. */
    discordNow: (): number => attempts.discordNow() || now(),
  };
}

/** Calls Discord's REST API for one account. */
export type RestClient = ReturnType<typeof createClient>;

/** The error of a 401 for a token that Discord accepts in the next request. */
function wrongRefusal(route: RestRoute): RestError {
  return new RestError("was refused, although Discord knows the token; a retry may succeed", {
    kind: "unavailable",
    route: route.name,
    status: 401,
  });
}

/** The problem of a token that no request can carry; `undefined` if there is none. */
export function tokenProblem(token: string): string | undefined {
  if (/^[\x21-\x7e]+$/.test(token)) return undefined;
  return "The bot token is empty or contains a space, a line break or a character outside ASCII; " +
    "copy it again from Discord's developer portal";
}
