/**
 * What a bot must ask before it can connect: where the gateway is.
 *
 * @module
 */

import { z } from "zod";
import { expect } from "./answer.ts";
import type { RestClient } from "./client.ts";

export interface Directory {
  /**
   * @returns `ws://` or `wss://`, without query.
   * @throws {RestError} If Discord does not tell.
   */
  gateway(): Promise<{ readonly url: string }>;
}

const ROUTE = "GET /gateway/bot";

const gatewaySchema = z.object({ url: z.url({ protocol: /^wss?$/ }) });

/** @see {@link https://docs.discord.com/developers/events/gateway#get-gateway-bot} */
export function createDirectory(api: Pick<RestClient, "request">): Directory {
  return {
    gateway: async () => expect(ROUTE, gatewaySchema, await api.request("GET", "/gateway/bot")),
  };
}
