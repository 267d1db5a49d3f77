/**
 * Reads the gateway's address and its limits for new sessions, which a bot needs before it
 * connects.
 *
 * @module
 */

import { z } from "zod";
import type { GatewayInfo } from "../../../core/discord/gateway_info.ts";
import { expect } from "../exchange/answer.ts";
import type { RestApi } from "../client/client.ts";

/**
 * Reads the gateway's address and limits.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 */
export type ReadGatewayInfo = () => Promise<GatewayInfo>;

const ROUTE = "GET /gateway/bot";

/** Each shard costs a connection; the config allows as many. */
const MAX_SHARDS = 1_000;

const count = z.int().nonnegative();

/** A server in Discord's place may send no limits; then Discord's usual ones apply. */
const limitSchema = z.object({
  total: count,
  remaining: count,
  reset_after: z.number().nonnegative(),
  max_concurrency: z.int().positive(),
}).default({ total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 });

const gatewaySchema = z.object({
  url: z.url({ protocol: /^wss?$/ }),
  shards: z.int().positive().max(MAX_SHARDS).default(1),
  session_start_limit: limitSchema,
});

/**
 * Creates a {@link ReadGatewayInfo}.
 *
 * @param now Unix time in milliseconds.
 * @see {@link https://docs.discord.com/developers/events/gateway#get-gateway-bot}
 */
export function createReadGatewayInfo(api: RestApi, now: () => number): ReadGatewayInfo {
  return async () => {
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
  };
}
