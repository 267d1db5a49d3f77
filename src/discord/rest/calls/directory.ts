/**
 * What a bot must ask before it can connect: where the gateway is, and how it
 * wants to be met.
 *
 * @module
 */

import { z } from "zod";
import type { SessionStartLimit } from "../../../core/discord/identify_budget.ts";
import { expect } from "../exchange/answer.ts";
import type { RestApi } from "../client/client.ts";

/** All that Discord says of its gateway. */
export interface GatewayFacts {
  /** `ws://` or `wss://`, without query. */
  readonly url: string;
  /** How many shards it recommends. */
  readonly shards: number;
  readonly limit: SessionStartLimit;
}

export interface Directory {
  /** @throws {RestError} If Discord does not tell. */
  gateway(): Promise<GatewayFacts>;
}

const ROUTE = "GET /gateway/bot";

const count = z.int().nonnegative();

/** A server in Discord's place may know of no limits: then there are Discord's usual ones. */
const limitSchema = z.object({
  total: count,
  remaining: count,
  reset_after: z.number().nonnegative(),
  max_concurrency: z.int().positive(),
}).default({ total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 });

const gatewaySchema = z.object({
  url: z.url({ protocol: /^wss?$/ }),
  shards: z.int().positive().default(1),
  session_start_limit: limitSchema,
});

/**
 * @param now Unix time in milliseconds.
 * @see {@link https://docs.discord.com/developers/events/gateway#get-gateway-bot}
 */
export function createDirectory(api: RestApi, now: () => number): Directory {
  return {
    async gateway() {
      const answer = await api.request("GET", "/gateway/bot");
      const { url, shards, session_start_limit: limit } = expect(ROUTE, gatewaySchema, answer);
      return {
        url,
        shards,
        limit: {
          total: limit.total,
          remaining: limit.remaining,
          resetAfterMs: limit.reset_after,
          maxConcurrency: limit.max_concurrency,
          readAt: now(),
        },
      };
    },
  };
}
