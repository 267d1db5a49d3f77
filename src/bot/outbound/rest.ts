/**
 * The account's client for Discord's REST API.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { InvalidRequests } from "../../core/discord/invalid_requests.ts";
import {
  createClient,
  type RequestMetric,
  type RestClient,
} from "../../discord/rest/client/client.ts";
import type { AnswerHooks } from "../../discord/rest/exchange/exchange.ts";
import { schedule } from "../../lib/schedule.ts";
import type { Log } from "../../lib/log.ts";

export interface RestOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of Discord's REST API. */
  readonly apiBase: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  /** Of all accounts together. */
  readonly invalidRequests: InvalidRequests;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export interface RestEvents {
  request(request: RequestMetric): void;
  tokenRefused(): void;
  /** So many requests were invalid that nothing leaves for a while. */
  stopped(invalidRequests: number): void;
}

export interface RestPorts {
  /** Asked at each event. */
  readonly events: () => RestEvents;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** For a client that only asks one question. */
export const NO_REST_EVENTS: RestEvents = { request() {}, tokenRefused() {}, stopped() {} };

/** Of the requests of a second, kept for people who wait for a button or a command. */
const RESERVED_PER_SEC = 2;

export function createAccountRest(options: RestOptions, ports: RestPorts): RestClient {
  const { config: { discord }, token, apiBase, version, invalidRequests, crashHooks } = options;
  const { events, now, log } = ports;
  return createClient({
    token,
    apiUrl: apiBase,
    version,
    timeoutMs: discord.rest.timeoutSec * 1_000,
    globalPerSec: discord.rest.globalPerSec,
    reservedPerSec: discord.rateLimit.enabled && discord.rateLimit.burstProtection
      ? RESERVED_PER_SEC
      : 0,
    retry: discord.retry,
    invalidRequests,
    random: Math.random,
    now,
    steadyNow: () => performance.now(),
    schedule,
    onRequest: (request) => events().request(request),
    onTokenRefused: () => events().tokenRefused(),
    onBreaker(state) {
      const count = invalidRequests.count(now());
      if (state === "closed") return log.info("Requests to Discord leave at their own pace again");
      if (state === "slowed") {
        return log.warn(
          "Discord has refused so many requests within ten minutes that all others are slowed " +
            "down, before it bans this address",
          { count },
        );
      }
      log.error(
        "Discord has refused so many requests within ten minutes that nothing is asked of it " +
          "until they are fewer; it would ban this address",
        { count },
      );
      events().stopped(count);
    },
    ...crashHooks,
  });
}
