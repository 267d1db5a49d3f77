/**
 * Sends one request once, and reads what came back.
 *
 * Discordeno forms the body when the request leaves, not when it is asked for:
 * what waits costs little.
 *
 * @module
 */

import { createRestManager, type RestManager } from "@discordeno/rest";
import type { Schedule } from "../../../lib/schedule.ts";
import { type Answer, type AnswerHooks, exchange } from "../exchange/exchange.ts";
import { RestError, toNoAnswer, toRestError } from "../exchange/rest_error.ts";
import { createsMessage, nameOf, type Route } from "../exchange/route.ts";

export type Method = Parameters<RestManager["makeRequest"]>[0];
export type BodyOptions = NonNullable<Parameters<RestManager["createRequestBody"]>[1]>;

/** One request that left. */
export interface RequestMetric {
  /** Path without ids: `"/channels/:id/messages"`. */
  readonly route: string;
  readonly method: string;
  /** Absent when no answer came. */
  readonly status?: number;
  /** Of a 429: whose limit it was, as far as Discord says. */
  readonly scope?: string;
  readonly ms: number;
  /** Milliseconds that it had to wait for rate limits before it left. */
  readonly waitMs: number;
}

export interface SendOptions extends AnswerHooks {
  readonly token: string;
  /** Base of all requests, from `parseApiUrl`. */
  readonly apiUrl: string;
  /** Milliseconds that one request may take, answer included (D6). */
  readonly timeoutMs: number;
  /** Milliseconds of a clock that is never set: `performance.now()`. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Told of each request that left, for the metrics. */
  readonly onRequest?: (request: RequestMetric) => void;
}

export interface Sending {
  readonly route: Route;
  readonly method: Method;
  /** From `/` on, without the API's version. */
  readonly path: string;
  readonly body: BodyOptions;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that it may take, where not the usual. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that it waited for limits, for the metrics. */
  readonly waitMs: number;
}

/** Of Discord's REST API. */
export const API_VERSION = 10;

/** An answer, and its body as Discord spells it; `undefined` where it is empty or no JSON. */
export interface Answered extends Answer {
  readonly body: unknown;
}

/**
 * @param userAgent As Discord asks for it.
 * @param stopping Gives up whatever is under way.
 * @returns Sends a request. It throws a {@link RestError} where no answer came.
 */
export function createSend(
  options: SendOptions,
  userAgent: string,
  stopping: AbortSignal,
): (sending: Sending) => Promise<Answered> {
  const { token, apiUrl, steadyNow, schedule, onRequest, fetch = globalThis.fetch } = options;
  // Without an application id Discordeno reads one out of the token, and throws if it cannot.
  const rest = createRestManager({ token, applicationId: "0" });
  rest.createBaseHeaders = () => ({ "user-agent": userAgent });

  return async ({ route, method, path, body, signal, waitMs, timeoutMs = options.timeoutMs }) => {
    const startedAt = steadyNow();
    const hooks = createsMessage(route) ? options : {};
    const deps = { fetch, timeoutMs, schedule, signals: signal ? [stopping, signal] : [stopping] };
    let answer: Answer | undefined;
    try {
      const url = `${apiUrl}/v${API_VERSION}${path}`;
      answer = await exchange(url, rest.createRequestBody(method, body), deps, hooks);
      return { ...answer, body: parseJson(answer.text) };
    } catch (thrown) {
      throw toNoAnswer(route, thrown);
    } finally {
      onRequest?.({
        route: route.template,
        method: route.method,
        ...(answer && { status: answer.status }),
        ...(answer?.status === 429 && { scope: answer.headers.get("x-ratelimit-scope") ?? "none" }),
        ms: steadyNow() - startedAt,
        waitMs,
      });
    }
  };
}

/**
 * What is wrong with an answer; `undefined` for a success.
 *
 * @param retryAfterMs How long a rate limit lasts.
 */
export function failureOf(
  route: Route,
  { status, text, body }: Answered,
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

/** `undefined` for what is no JSON: a page from a proxy in between, or a body cut short. */
function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
