/**
 * Calls Discord's REST API: waits for rate limits, and retries requests that may be repeated.
 *
 * Discordeno's queue waits for ever after one lost response, and changes the order of messages
 * after a 429. So the queue is Barnacle's own. Any other failure goes to the caller.
 *
 * The body is built when the request leaves, not earlier, so waiting requests use little memory.
 *
 * An attempt sends the request, applies the limits of the response, classifies the outcome, and
 * decides whether and when the request is retried (D5). Only requests that may be carried out twice
 * are retried. Creating a message twice is harmless too, because of its nonce. But the outbox
 * decides when, because it knows how long Discord remembers the nonce.
 */

import type { ChannelId } from "../../../core/discord/ids.ts";
import type { InvalidRequests } from "../scheduler/rate_limiter.ts";
import { retryDelayMs, type RetryRules } from "../../../lib/network/backoff.ts";
import { PLAIN_HEADER } from "../../../lib/network/fetch_plain.ts";
import { parseForeignJson } from "../../../lib/text/quoted.ts";
import { HOMEPAGE } from "../../../version.ts";
import {
  type AnswerHooks,
  createExchanges,
  isDiscordError,
  jsonOf,
  type RestAnswer,
  RestError,
  type RestErrorKind,
  type RestRoute,
  routeOf,
  toNoAnswer,
  toRestError,
} from "../exchange/exchange.ts";
import {
  type Breaker,
  type BreakerState,
  createBreaker,
  createRateLimiter,
  type LimitOptions,
  type Permit,
  type Priority,
  responseLimitsOf,
} from "../scheduler/rate_limiter.ts";

export interface BodyOptions {
  /** JSON, ready to be sent; or an object for {@link jsonOf}; or a form. */
  readonly body?: string | object | FormData;
  /** Uploads beside the body. */
  readonly files?: readonly { readonly name: string; readonly blob: Blob }[];
  /** For the audit log of the guild. */
  readonly reason?: string;
}

export interface ClientOptions extends AnswerHooks, LimitOptions {
  /** The bot token, without `Bot `. */
  readonly token: string;
  readonly version: string;
  /** Base URL of all requests, from `parseApiUrl`. */
  readonly apiUrl: string;
  /** Timeout of one request in milliseconds, including its response (D6). */
  readonly timeoutMs: number;
  readonly invalidRequests: InvalidRequests;
  /** How the wait grows before requests that may be repeated (D5). */
  readonly retry: RetryRules;
  /** A number from 0 up to, but not including, 1. */
  readonly random: () => number;
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

export interface OutgoingRequest extends BodyOptions {
  readonly route: RestRoute;
  /** From `/` on, without the API's version. */
  readonly path: string;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** Timeout in milliseconds; default: the client's. */
  readonly timeoutMs?: number;
}

export const API_VERSION = 10;

/**
 * Builds the body of a request.
 *
 * @returns JSON, a form, or `undefined` for a request without a body.
 */
export function bodyOf({ body, files }: BodyOptions): string | FormData | undefined {
  const isReady = typeof body === "string" || body instanceof FormData || body === undefined;
  const json = isReady ? body : jsonOf(body);
  if (!files || typeof json !== "string") return json;
  const form = new FormData();
  files.forEach(({ name, blob }, index) => form.append(`files[${index}]`, blob, name));
  form.append("payload_json", json);
  return form;
}

export type Attempt =
  /** `body` is parsed; `undefined` if it is empty. */
  | { readonly kind: "done"; readonly body: unknown }
  /**
   * `limited`: refused by a rate limit with a duration. `token`: Discord does not know the token.
   */
  | { readonly kind: "limited" | "token" | "failed"; readonly error: RestError };

/**
 * Creates the attempts of one client.
 *
 * @param noteStatus Counts a response if Discord counts its request as invalid.
 * @param userAgent The User-Agent header.
 */
export function createRequestAttempts(
  options: ClientOptions,
  noteStatus: Breaker["note"],
  userAgent: string,
) {
  const { token, apiUrl, steadyNow, schedule, onRequest, onServed, fetch = globalThis.fetch } =
    options;
  const exchanges = createExchanges({ fetch, schedule });
  const base = `${apiUrl}/v${API_VERSION}`;
  let hasWorked = false;
  let aheadMs = NaN; // Discord's clock, of the monotonic one

  function headersOf(body: string | FormData | undefined, reason: string | undefined): Headers {
    const headers = new Headers({ "user-agent": userAgent, authorization: `Bot ${token}` });
    headers.set(...PLAIN_HEADER);
    if (typeof body === "string") headers.set("content-type", "application/json");
    if (reason !== undefined) headers.set("x-audit-log-reason", encodeURIComponent(reason));
    return headers;
  }

  /** Sends a request once. A failure of the request is an outcome, never thrown. */
  async function once(permit: Permit, request: OutgoingRequest): Promise<Attempt> {
    const { route, path, reason, signal, timeoutMs = options.timeoutMs } = request;
    let answer: RestAnswer | undefined;
    let thrown: unknown;
    try {
      const body = bodyOf(request);
      const sending = exchanges.exchange(
        base + path,
        { method: route.method, headers: headersOf(body, reason), body },
        { timeoutMs, maxBytes: route.maxBytes, signal },
        route.createsMessage ? options : undefined,
      );
      permit.sent();
      answer = await sending;
    } catch (error) {
      thrown = error;
    }
    if (answer && isSuccess(answer.status) && route.channelId) onServed?.(route.channelId);
    onRequest?.({
      route: route.template,
      method: route.method,
      status: answer?.status,
    });
    if (!answer) return { kind: "failed", error: toNoAnswer(route, thrown) };
    const { status, headers, text } = answer;
    noteStatus(status, headers);
    const date = Date.parse(headers.get("date") ?? "");
    if (!Number.isNaN(date)) aheadMs = date - steadyNow();
    const body = text === "" ? undefined : parseForeignJson(text);
    const limits = responseLimitsOf(status, headers, body);
    const pauseMs = permit.answered(limits);
    if (isSuccess(status)) {
      if (text !== "" && body === undefined) {
        return { kind: "failed", error: notJson(route, status) };
      }
      hasWorked ||= !route.carriesToken; // a webhook's or an interaction's own token otherwise
      return { kind: "done", body };
    }
    const { refused } = limits;
    const error = toRestError(route, status, body, refused && pauseMs);
    if (status === 401 && isDiscordError(body) && !route.carriesToken) {
      return { kind: "token", error };
    }
    return { kind: refused?.retryMs === undefined ? "failed" : "limited", error };
  }

  return {
    once,
    /**
     * Asks Discord whether it knows the token.
     *
     * For a bot whose token has worked: one refusal does not end it, because Discord has been
     * observed to refuse a valid token. Refusals count against the address, so a token that never
     * worked is not tried again.
     */
    async isTokenValid(permit: Permit): Promise<boolean> {
      const path = "/users/@me";
      const attempt = await once(permit, { route: routeOf("GET", path), path });
      if (attempt.kind === "done") return true;
      if (attempt.error.status === undefined) throw attempt.error;
      return attempt.error.status !== 401;
    },
    /** Whether Discord has ever accepted the bot's token. */
    get hasWorked(): boolean {
      return hasWorked;
    },
    /** Discord's time by its newest answer; NaN before that. */
    discordNow: (): number => aheadMs + steadyNow(),
    stop: exchanges.stop,
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** The error of a success whose body is a proxy's page, or truncated. */
function notJson({ name }: RestRoute, status: number): RestError {
  return new RestError(`was answered with ${status} and a body that is not JSON`, {
    kind: "unavailable",
    route: name,
    status,
  });
}

/**
 * Decides on a failed attempt. A rate limit with a duration is none: the caller waits for its end.
 *
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds to wait before the next attempt; `undefined` for no retry.
 */
export function requestWaitMs(
  { method, priority, error: { kind, status = 500 }, failures }: {
    readonly method: string;
    /** The request's priority; `spare` is never retried. */
    readonly priority: Priority;
    readonly error: { readonly kind: RestErrorKind; readonly status?: number };
    /** Number of failed attempts, including this one. */
    readonly failures: number;
  },
  rules: RetryRules,
  random: number,
): number | undefined {
  if (method === "POST" || priority === "spare" || failures >= rules.attempts) return undefined;
  const isTransient = (kind === "unavailable" || kind === "unsent") &&
    (status < 300 || status >= 500);
  return status === 429 || isTransient ? retryDelayMs(failures, random, rules) : undefined;
}

export interface RequestMetric {
  /** Path without ids: `"/channels/:id/messages"`. */
  readonly route: string;
  readonly method: string;
  /** HTTP status; absent if no response came. */
  readonly status?: number;
}

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
  const rateLimiter = createRateLimiter(options, breaker.check);
  const attempts = createRequestAttempts(options, breaker.note, userAgentOf(version));
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
          : requestWaitMs({ method, priority, error, failures }, retry, random());
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
    stop(): void {
      rateLimiter.close("unsent", "Barnacle is stopping");
      attempts.stop(new DOMException("Barnacle is stopping", "AbortError"));
    },
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
