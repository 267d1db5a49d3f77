/**
 * Sends one request once, and reads the response.
 *
 * Discordeno builds the body when the request leaves, not earlier, so waiting requests use little
 * memory.
 *
 * An attempt sends the request, applies the limits of the response, classifies the outcome, and
 * decides whether and when the request is retried (D5). Only requests that may be carried out twice
 * are retried. Creating a message twice is harmless too, because of its nonce. But the outbox decides
 * when, because it knows how long Discord remembers the nonce.
 *
 * @module
 */

import { createRestManager, type RestManager } from "@discordeno/rest";
import type { InvalidRequests } from "../../../core/discord/invalid_requests.ts";
import type { Breaker, BreakerState, LimitOptions, Priority } from "../scheduler/global_limit.ts";
import { type ChannelId, parseSnowflake } from "../../../core/discord/ids.ts";
import { parseForeignJson } from "../../../lib/text/json.ts";
import { type AnswerHooks, exchange, type RestAnswer } from "../exchange/exchange.ts";
import { isDiscordError, RestError, toNoAnswer, toRestError } from "../exchange/rest_error.ts";
import { createsMessage, maxAnswerBytes, nameOf, type Route, routeOf } from "../exchange/route.ts";
import type { Permit } from "../scheduler/rate_limiter.ts";
import { limitsOf } from "../scheduler/buckets.ts";
import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";

/** An HTTP method. */
export type Method = Parameters<RestManager["makeRequest"]>[0];
/** The body, files and headers of a request. */
export type BodyOptions = NonNullable<Parameters<RestManager["createRequestBody"]>[1]>;

/** One sent request. */
export interface RequestMetric {
  /** Path without ids: `"/channels/:id/messages"`. */
  readonly route: string;
  /** HTTP method. */
  readonly method: string;
  /** HTTP status; absent if no response came. */
  readonly status?: number;
  /** Of a 429: the scope of the limit; `none` if Discord does not name it. */
  readonly scope?: string;
  /** Milliseconds until the response, or the failure. */
  readonly ms: number;
  /** Milliseconds that it waited for rate limits before it left. */
  readonly waitMs: number;
}

/** The settings and dependencies of a client. */
export interface ClientOptions extends AnswerHooks, LimitOptions {
  /** The bot token, without `Bot `. */
  readonly token: string;
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  /** Base URL of all requests, from `parseApiUrl`. */
  readonly apiUrl: string;
  /** Timeout of one request in milliseconds, including its response (D6). */
  readonly timeoutMs: number;
  /** The counter of invalid requests, which all accounts share. */
  readonly invalidRequests: InvalidRequests;
  /** Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Called for each sent request, for the metrics. */
  readonly onRequest?: (request: RequestMetric) => void;
  /** Called for each request to a channel that Discord carries out. */
  readonly onServed?: (channelId: ChannelId) => void;
  /** Called once when Discord has refused the bot's token; the client sends no more requests. */
  readonly onTokenRefused?: () => void;
  /** Called when too many invalid requests slow or stop all others, and when that ends. */
  readonly onBreaker?: (state: BreakerState) => void;
}

/** A request to send. */
export interface OutgoingRequest {
  /** Names the request in errors and metrics. */
  readonly route: Route;
  /** HTTP method. */
  readonly method: Method;
  /** From `/` on, without the API's version. */
  readonly path: string;
  /** Body, files and headers, from which Discordeno builds the request. */
  readonly body: BodyOptions;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** Timeout in milliseconds; default: the client's. */
  readonly timeoutMs?: number;
  /** Milliseconds that it waited for limits, for the metrics. */
  readonly waitMs: number;
}

/** Version of Discord's REST API. */
export const API_VERSION = 10;

/** A response with its parsed body, in Discord's field names. */
export interface ParsedAnswer extends RestAnswer {
  /** `undefined` if the body is empty or not JSON: a proxy's page, or a truncated body. */
  readonly body: unknown;
}

/**
 * Creates the function that sends a request once.
 *
 * @param userAgent The User-Agent header.
 * @param stopping Cancels the requests in flight.
 * @returns The function. It throws a {@link RestError} if no response comes.
 */
export function createSend(
  options:
    & Pick<ClientOptions, "token" | "apiUrl" | "timeoutMs" | "steadyNow" | "schedule">
    & Partial<ClientOptions>,
  userAgent: string,
  stopping: AbortSignal,
): (request: OutgoingRequest) => Promise<ParsedAnswer> {
  const { token, apiUrl, steadyNow, schedule, onRequest, onServed, fetch = globalThis.fetch } =
    options;
  // Without an application id, Discordeno derives one from the token, and throws if it cannot.
  const rest = createRestManager({ token, applicationId: "0" });
  rest.createBaseHeaders = () => ({ "user-agent": userAgent });

  return async ({ route, method, path, body, signal, waitMs, timeoutMs = options.timeoutMs }) => {
    const startedAt = steadyNow();
    const hooks = createsMessage(route) ? options : {};
    const signals = signal ? [stopping, signal] : [stopping];
    const deps = { fetch, timeoutMs, maxBytes: maxAnswerBytes(route), schedule, signals };
    let answer: RestAnswer | undefined;
    try {
      const url = `${apiUrl}/v${API_VERSION}${path}`;
      answer = await exchange(url, rest.createRequestBody(method, body), deps, hooks);
      return { ...answer, body: parseForeignJson(answer.text) };
    } catch (thrown) {
      throw toNoAnswer(route, thrown);
    } finally {
      const channelId = isServed(answer) ? channelOf(path) : undefined;
      if (channelId) onServed?.(channelId);
      onRequest?.({
        route: route.template,
        method: route.method,
        status: answer?.status,
        scope: answer?.status === 429
          ? answer.headers.get("x-ratelimit-scope") ?? "none"
          : undefined,
        ms: steadyNow() - startedAt,
        waitMs,
      });
    }
  };
}

/**
 * Returns the error of a response; `undefined` for a success.
 *
 * @param retryAfterMs How long a rate limit lasts.
 */
export function failureOf(
  route: Route,
  { status, text, body }: ParsedAnswer,
  retryAfterMs?: number,
): RestError | undefined {
  if (status < 200 || status >= 300) return toRestError(route, status, body, retryAfterMs);
  if (text === "" || body !== undefined) return undefined;
  return new RestError(`was answered with ${status} and a body that is not JSON`, {
    kind: "unavailable",
    route: nameOf(route),
    status,
  });
}

function isServed(answer: RestAnswer | undefined): boolean {
  return answer !== undefined && answer.status >= 200 && answer.status < 300;
}

function channelOf(path: string): ChannelId | undefined {
  const [, digits] = /^\/channels\/(\d+)/.exec(path) ?? [];
  return digits === undefined ? undefined : parseSnowflake<"channel">(digits);
}

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
