/** Creates the account's client for Discord's REST API. */

import type { Config } from "../../config/config.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { RequestMetric } from "../../discord/rest/client/client.ts";
import type { InvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import { createClient, type RestClient } from "../../discord/rest/client/client.ts";
import type { AnswerHooks } from "../../discord/rest/exchange/exchange.ts";
import { type Clock, schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";

/** The settings of an account's REST client. */
export interface RestOptions {
  readonly config: Config;
  readonly token: string;
  /** Base URL of Discord's REST API. */
  readonly apiBase: string;
  readonly version: string;
  /** The counter that all accounts share. */
  readonly invalidRequests: InvalidRequests;
  /** A test uses it to end the process at a chosen point. */
  readonly crashHooks?: AnswerHooks;
}

export interface RestEvents {
  request(request: RequestMetric): void;
  /** Discord carried out a request to a channel. */
  served(channelId: ChannelId): void;
  tokenRefused(): void;
  /** Sending pauses, because Discord counted too many invalid requests. */
  stopped(invalidRequests: number): void;
}

/** Requests of a second that stay unused: Discord's clock and the network differ from ours. */
const UNUSED_PER_SEC = 2;

export function createAccountRest(
  options: RestOptions,
  { events, now, log }: Clock & {
    readonly log: Log;
    /** Handlers of what is of interest. */
    readonly events: Partial<RestEvents>;
  },
): RestClient {
  const { config: { discord }, token, apiBase, version, invalidRequests } = options;
  const { crashHooks } = options;
  return createClient({
    token,
    apiUrl: apiBase,
    version,
    timeoutMs: discord.rest.timeoutSec * 1_000,
    globalPerSec: discord.rest.globalPerSec,
    unusedPerSec: discord.rateLimit.enabled && discord.rateLimit.burstProtection
      ? UNUSED_PER_SEC
      : 0,
    retry: discord.retry,
    invalidRequests,
    random: Math.random,
    now,
    steadyNow: () => performance.now(),
    schedule,
    onRequest: (request) => events.request?.(request),
    onServed: (channelId) => events.served?.(channelId),
    onTokenRefused: () => events.tokenRefused?.(),
    onBreaker(state) {
      const count = invalidRequests.count(now());
      if (state === "closed") return log.info("Requests to Discord run at full pace again");
      if (state === "slowed") {
        return log.warn(
          "Discord refused so many requests within ten minutes that Barnacle slows all others down, " +
            "so that Discord does not ban this address",
          { count },
        );
      }
      log.error(
        "Discord refused so many requests within ten minutes that Barnacle pauses all requests, " +
          "so that Discord does not ban this address",
        { count },
      );
      events.stopped?.(count);
    },
    ...crashHooks,
  });
}
