/**
 * Asks Discord's REST API, in Discordeno's words and under our own rules.
 *
 * Discordeno's manager forms the bodies. What sends them is ours, because
 * Discordeno's queue waits for ever after one lost answer and changes the order
 * of messages after a 429. Rate limits are waited out here, and what may be
 * carried out twice is asked again; any other failure goes to the caller.
 *
 * @module
 */

import type { InvalidRequests } from "../../../core/discord/invalid_requests.ts";
import type { RetryRules } from "../../../lib/network/backoff.ts";
import { RestError } from "../exchange/rest_error.ts";
import { createAttempts } from "./attempt.ts";
import { retryWaitMs } from "./retry.ts";
import { nameOf, type Route, routeOf } from "../exchange/route.ts";
import { type BreakerState, createBreaker } from "../scheduler/breaker.ts";
import { createDepartures } from "../scheduler/departures.ts";
import type { PaceOptions, Rank } from "../scheduler/pace.ts";
import { type BodyOptions, createSend, type Method, type SendOptions } from "./send.ts";

export type { RequestMetric } from "./send.ts";

export interface ClientOptions extends SendOptions, PaceOptions {
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  /** For what may be asked twice (D5). */
  readonly retry: RetryRules;
  readonly invalidRequests: InvalidRequests;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Told that Discord itself has refused the bot's token: nothing more is asked with it. */
  readonly onTokenRefused?: () => void;
  /** Told when too many invalid requests slow or stop all others, and when that is over. */
  readonly onBreaker?: (state: BreakerState) => void;
}

export interface RequestOptions extends BodyOptions {
  /** Unix time in milliseconds; a request that may not leave by then fails instead. */
  readonly notAfter?: number;
  /** Gives it up, whether it waits or is under way. */
  readonly signal?: AbortSignal;
  /** Milliseconds that it may take, where not the client's. */
  readonly timeoutMs?: number;
  /**
   * Absent: a reply's. `interaction` goes before all; `background` after all; `spare` leaves at once
   * or fails as `unsent`, and is never tried again.
   */
  readonly priority?: Exclude<Rank, "reply">;
}

/** The part of the client that the endpoints need. */
export type RestApi = Pick<RestClient, "request">;

export interface RestStanding {
  /** Counted by Discord against the address in the last ten minutes. */
  readonly invalidRequests: number;
  /** What they are so many for. */
  readonly breaker: BreakerState;
  /** Requests that wait for their turn. */
  readonly queued: number;
}

export interface RestClient {
  /**
   * Asks, waiting for rate limits as long as Discord says.
   *
   * @param path From `/` on, without the API's version.
   * @returns The parsed body as Discord spells it; `undefined` if there is none.
   * @throws {RestError} For everything but success.
   */
  request(method: Method, path: string, options?: RequestOptions): Promise<unknown>;
  /** Gives up all requests, under way or waiting, and takes no more. */
  stop(): void;
  standing(): RestStanding;
}

const HOMEPAGE = "https://github.com/barnacle-bot/barnacle";

/**
 * How Discord asks bots to name themselves; whoever does not is turned away with 403.
 *
 * @param version Barnacle's own.
 */
export function userAgentOf(version: string): string {
  return `DiscordBot (${HOMEPAGE}, ${version})`;
}

/**
 * Makes the client of one account.
 *
 * @throws {TypeError} If the token holds what no HTTP header may; the message does not repeat it.
 */
export function createClient(options: ClientOptions): RestClient {
  const { token, version, retry, random, now, invalidRequests, onTokenRefused } = options;
  const wrong = tokenProblem(token);
  if (wrong !== undefined) throw new TypeError(wrong);
  const breaker = createBreaker(options);
  const departures = createDepartures({ ...options, breaker });
  const stopping = new AbortController();
  const attempts = createAttempts(
    createSend(options, userAgentOf(version), stopping.signal),
    breaker,
  );
  let isRefused = false;

  async function request(method: Method, path: string, asked: RequestOptions = {}) {
    const { notAfter = Infinity, priority: rank = "reply", signal, timeoutMs, ...body } = asked;
    const route = routeOf(method, path);
    const sending = { route, method, path, body, signal, timeoutMs };
    let passage = await departures.enter(route, { rank, notAfter, signal });
    /** An attempt that may have been carried out: no later failure may say that none was. */
    let doubt: RestError | undefined;
    try {
      for (let failures = 1;; failures++) {
        const attempt = await attempts.once(passage, sending);
        if (attempt.kind === "done") return attempt.body;
        const { kind, error } = attempt;
        if (kind === "token") {
          if (!attempts.hasWorked) throw refuseToken(error);
          passage = await passage.again(0);
          throw await attempts.isTokenGood(passage) ? notMeant(route) : refuseToken(error);
        }
        if (error.kind === "unavailable") doubt = error;
        if (kind === "limited") failures--;
        const waitMs = kind === "limited" && rank !== "spare"
          ? 0
          : retryWaitMs({ method, rank, error, failures }, retry, random());
        if (waitMs === undefined || now() + waitMs > notAfter) throw error;
        passage = await passage.again(waitMs);
      }
    } catch (error) {
      throw doubt && error instanceof RestError && error.kind === "unsent" ? doubt : error;
    } finally {
      passage.done();
    }
  }

  function refuseToken(error: RestError): RestError {
    departures.close("unauthorized", "Discord rejected the bot token; set a new one, restart");
    if (!isRefused) onTokenRefused?.();
    isRefused = true;
    return error;
  }

  return {
    request,
    stop() {
      departures.close("unsent", "Barnacle is stopping");
      stopping.abort(new DOMException("Barnacle is stopping", "AbortError"));
    },
    standing() {
      return {
        invalidRequests: invalidRequests.count(now()),
        breaker: breaker.check().state,
        queued: departures.queued,
      };
    },
  };
}

/** A refusal that Discord takes back when it is asked again. */
function notMeant(route: Route): RestError {
  return new RestError("was refused, though Discord knows the token; it will be asked again", {
    kind: "unavailable",
    route: nameOf(route),
    status: 401,
  });
}

/** What is wrong with a token that no request could carry; it is not repeated. */
export function tokenProblem(token: string): string | undefined {
  if (/^[\x21-\x7e]+$/.test(token)) return undefined;
  return "The bot token is empty or holds a space, a line break or a character outside ASCII; " +
    "copy it again from Discord's developer portal";
}
