/**
 * What a bot must ask before it can connect: where the gateway is, and who it is itself.
 *
 * @module
 */

import { z } from "zod";
import type { ApplicationId } from "../../core/ids.ts";
import type { Self } from "../../core/inbound.ts";
import { expect } from "./answer.ts";
import type { RestClient } from "./client.ts";
import { snowflakeSchema } from "./snowflake_schema.ts";

/** Where to connect, and how often. */
export interface GatewayInfo {
  /** `ws://` or `wss://`, without query. */
  readonly url: string;
  /** How many connections Discord recommends. */
  readonly shards: number;
  readonly sessionStartLimit: SessionStartLimit;
}

/** Of the IDENTIFYs that the token may send. */
export interface SessionStartLimit {
  readonly total: number;
  readonly remaining: number;
  /** Milliseconds until `remaining` is `total` again. */
  readonly resetAfterMs: number;
  /** How many shards may identify in the same 5 seconds. */
  readonly maxConcurrency: number;
}

/** The application behind the bot. */
export interface ApplicationInfo {
  readonly id: ApplicationId;
  readonly name: string;
  /** Bits; 18 and 19 say that it may read the contents of messages. */
  readonly flags: number;
}

/** Every method rejects with a `RestError` if Discord does not tell. */
export interface Directory {
  gateway(): Promise<GatewayInfo>;
  application(): Promise<ApplicationInfo>;
  /** Asks for both parts at once. */
  self(): Promise<Self>;
}

const gatewaySchema = z.object({
  url: z.url({ protocol: /^wss?$/ }),
  shards: z.int().positive(),
  session_start_limit: z.object({
    total: z.int().nonnegative(),
    remaining: z.int().nonnegative(),
    reset_after: z.int().nonnegative(),
    max_concurrency: z.int().positive(),
  }),
});

const applicationSchema = z.object({
  id: snowflakeSchema<"application">(),
  name: z.string(),
  flags: z.int().nonnegative().default(0),
});

const userSchema = z.object({ id: snowflakeSchema<"user">(), username: z.string() });

/**
 * @see {@link https://docs.discord.com/developers/events/gateway#get-gateway-bot}
 * @see {@link https://docs.discord.com/developers/resources/application#get-current-application}
 * @see {@link https://docs.discord.com/developers/resources/user#get-current-user}
 */
export function createDirectory(api: Pick<RestClient, "request">): Directory {
  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return expect(`GET ${path}`, schema, await api.request("GET", path));
  }
  const application = () => get("/applications/@me", applicationSchema);

  return {
    async gateway() {
      const { url, shards, session_start_limit: limit } = await get("/gateway/bot", gatewaySchema);
      return {
        url,
        shards,
        sessionStartLimit: {
          total: limit.total,
          remaining: limit.remaining,
          resetAfterMs: limit.reset_after,
          maxConcurrency: limit.max_concurrency,
        },
      };
    },
    application,
    async self() {
      const [{ id }, user] = await Promise.all([application(), get("/users/@me", userSchema)]);
      return { userId: user.id, applicationId: id, username: user.username };
    },
  };
}
