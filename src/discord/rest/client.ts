/**
 * Asks Discord's REST API, in Discordeno's words and under our own rules.
 *
 * Discordeno's manager forms the bodies. What sends them is ours, because
 * Discordeno's queue waits for ever after one lost answer and changes the order
 * of messages after a 429. Only waiting out a rate limit is done here; any
 * other failure goes to the caller, who knows whether the same request may be
 * made twice.
 *
 * @module
 */

import { createRestManager, type RestManager } from "@discordeno/rest";
import type { Schedule } from "../../lib/schedule.ts";
import { createDepartures } from "./departures.ts";
import { type Answer, type AnswerHooks, exchange } from "./exchange.ts";
import { createFifo } from "./fifo.ts";
import { isDiscordError, RestError, toNoAnswer, toRestError } from "./rest_error.ts";
import { createsMessage, nameOf, type Route, routeOf } from "./route.ts";
import { pauseAfter } from "./schedule.ts";

type Method = Parameters<RestManager["makeRequest"]>[0];
type BodyOptions = NonNullable<Parameters<RestManager["createRequestBody"]>[1]>;

export interface ClientOptions extends AnswerHooks {
  readonly token: string;
  /** Base of all requests, from `parseApiUrl`. */
  readonly apiUrl: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  /** Milliseconds that one request may take, answer included (D6). */
  readonly timeoutMs: number;
  /** Requests in any one second, at most (D3). */
  readonly globalPerSec: number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set: `performance.now()`. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Told of each request that left, for the metrics. */
  readonly onRequest?: (request: RequestMetric) => void;
  /** Told that Discord itself has refused the bot's token: nothing more is asked with it. */
  readonly onTokenRefused?: () => void;
}

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

export interface RequestOptions extends BodyOptions {
  /** Unix time in milliseconds; a request that may not leave by then fails instead. */
  readonly notAfter?: number;
  /** Leaves only when nothing else is about to: nobody waits for its answer. */
  readonly priority?: "background";
}

export interface RestClient {
  /**
   * Asks once, waiting for rate limits as long as Discord says.
   *
   * @param path From `/` on, without the API's version.
   * @returns The parsed body as Discord spells it; `undefined` if there is none.
   * @throws {RestError} For everything but success.
   */
  request(method: Method, path: string, options?: RequestOptions): Promise<unknown>;
  /** Gives up all requests, under way or waiting, and takes no more. */
  stop(): void;
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
  const { token, apiUrl, version, timeoutMs, onRequest, onTokenRefused } = options;
  const wrong = tokenProblem(token);
  if (wrong !== undefined) throw new TypeError(wrong);
  const { steadyNow, schedule, fetch = globalThis.fetch } = options;
  const lanes = createFifo();
  const departures = createDepartures(options);
  const stopping = new AbortController();
  let hasWorked = false;
  const deps = { fetch, timeoutMs, schedule, signal: stopping.signal };

  // Without an application id Discordeno reads one out of the token, and throws if it cannot.
  const rest = createRestManager({ token, applicationId: "0" });
  rest.baseUrl = apiUrl;
  rest.createBaseHeaders = () => ({ "user-agent": userAgentOf(version) });

  async function ask(
    method: Method,
    path: string,
    { priority, ...asked }: RequestOptions = {},
  ): Promise<unknown> {
    const route = routeOf(method, path);
    if (priority === "background") await departures.quiet();
    return await lanes.run(route.lane, () => askInTurn(route, method, path, asked));
  }

  async function askInTurn(
    route: Route,
    method: Method,
    path: string,
    { notAfter, ...asked }: Omit<RequestOptions, "priority">,
  ): Promise<unknown> {
    for (;;) {
      const readyAt = steadyNow();
      await departures.pass(route, notAfter);
      const waitMs = steadyNow() - readyAt;
      const url = `${rest.baseUrl}/v${rest.version}${path}`;
      const answer = await send(route, url, rest.createRequestBody(method, asked), waitMs);
      const body = parseJson(answer.text);
      const pause = pauseAfter(answer.status, answer.headers, body);
      departures.note(route, pause);
      if (answer.status === 429 && pause.laneMs + pause.allMs > 0) continue;
      if (answer.status === 401 && isDiscordError(body) && usesBotToken(route, asked)) {
        if (await isTokenGood()) throw notMeant(route, answer.status);
        departures.close("unauthorized", "Discord rejected the bot token; set a new one, restart");
        onTokenRefused?.();
      }
      if (answer.status >= 200 && answer.status < 300) hasWorked ||= usesBotToken(route, asked);
      return readAnswer(route, answer, body);
    }
  }

  /**
   * A bot that has worked is not ended by one refusal: Discord has been seen to take a good token for
   * none. Refusals are counted against the address, so a token that never worked is not tried again.
   */
  async function isTokenGood(): Promise<boolean> {
    if (!hasWorked) return false;
    const url = `${rest.baseUrl}/v${rest.version}/users/@me`;
    const route = routeOf("GET", "/users/@me");
    const answer = await send(route, url, rest.createRequestBody("GET", {}), 0);
    return answer.status !== 401;
  }

  async function send(
    route: Route,
    url: string,
    init: RequestInit,
    waitMs: number,
  ): Promise<Answer> {
    const startedAt = steadyNow();
    const hooks = createsMessage(route) ? options : {};
    let answer: Answer | undefined;
    try {
      answer = await exchange(url, init, deps, hooks);
      return answer;
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
  }

  return {
    request: ask,
    stop() {
      departures.close("unsent", "Barnacle is stopping");
      stopping.abort(new DOMException("Barnacle is stopping", "AbortError"));
    },
  };
}

/** A refusal that Discord takes back when it is asked again. */
function notMeant(route: Route, status: number): RestError {
  return new RestError("was refused, though Discord knows the token; it will be asked again", {
    kind: "unavailable",
    route: nameOf(route),
    status,
  });
}

/** What is wrong with a token that no request could carry; it is not repeated. */
export function tokenProblem(token: string): string | undefined {
  if (/^[\x21-\x7e]+$/.test(token)) return undefined;
  return "The bot token is empty or holds a space, a line break or a character outside ASCII; " +
    "copy it again from Discord's developer portal";
}

/** A webhook's or an interaction's 401 is about its own token. */
function usesBotToken(route: Route, { unauthorized, headers }: RequestOptions): boolean {
  return !route.carriesToken && unauthorized !== true && headers?.["authorization"] === undefined;
}

function readAnswer(route: Route, { status, text }: Answer, body: unknown): unknown {
  if (status < 200 || status >= 300) throw toRestError(route, status, body);
  if (text !== "" && body === undefined) {
    throw new RestError(`was answered with ${status} and a body that is not JSON`, {
      kind: "unavailable",
      route: nameOf(route),
      status,
    });
  }
  return body;
}

/** `undefined` for what is no JSON: a page from a proxy in between, or a body cut short. */
function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
