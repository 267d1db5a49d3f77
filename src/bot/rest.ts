/**
 * The account's client for Discord's REST API.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
  type InvalidRequests,
} from "../core/invalid_requests.ts";
import { createClient, type RequestMetric, type RestClient } from "../discord/rest/client.ts";
import type { AnswerHooks } from "../discord/rest/exchange.ts";
import { schedule } from "../lib/schedule.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/store.ts";

export interface RestOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of Discord's REST API. */
  readonly apiBase: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly store: Pick<Store, "loadInvalidRequests" | "addInvalidRequest">;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export interface RestEvents {
  readonly onRequest: (request: RequestMetric) => void;
  readonly onTokenRefused: () => void;
  /** So many requests were invalid that nothing leaves for a while. */
  readonly onStopped: (invalidRequests: number) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** Of the requests of a second, kept for people who wait for a button or a command. */
const RESERVED_PER_SEC = 2;

/** Makes the client, which goes on counting where the last process stopped. */
export async function restOf(options: RestOptions, events: RestEvents): Promise<RestClient> {
  const { config: { discord }, token, apiBase, version, crashHooks } = options;
  const { onRequest, onTokenRefused, onStopped, now, log } = events;
  const invalidRequests = await invalidRequestsOf(options, events);
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
    onRequest,
    onTokenRefused,
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
      onStopped(count);
    },
    ...crashHooks,
  });
}

async function invalidRequestsOf(
  { config: { discord: { accountId } }, store }: RestOptions,
  { now, log }: RestEvents,
): Promise<InvalidRequests> {
  const since = Math.floor((now() - INVALID_WINDOW_MS) / 60_000);
  const stored = await store.loadInvalidRequests(accountId, since);
  return createInvalidRequests(stored, (minute) => {
    store.addInvalidRequest(accountId, minute).catch((error: unknown) => {
      log.warn("Cannot store that Discord has refused a request", { error });
    });
  });
}
