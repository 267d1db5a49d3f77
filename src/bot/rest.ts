/**
 * The account's client for Discord's REST API.
 *
 * @module
 */

import { createClient, type RequestMetric, type RestClient } from "../discord/rest/client.ts";
import type { AnswerHooks } from "../discord/rest/exchange.ts";
import type { Config } from "../config/config.ts";
import { schedule } from "../lib/schedule.ts";

export interface RestOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of Discord's REST API, or of the server in its place. */
  readonly apiBase: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export function restOf(
  { config: { discord }, token, apiBase, version, crashHooks }: RestOptions,
  now: () => number,
  events: {
    readonly onRequest: (request: RequestMetric) => void;
    readonly onTokenRefused: () => void;
  },
): RestClient {
  return createClient({
    token,
    apiUrl: apiBase,
    version,
    timeoutMs: discord.rest.timeoutSec * 1_000,
    globalPerSec: discord.rest.globalPerSec,
    now,
    steadyNow: () => performance.now(),
    schedule,
    ...crashHooks,
    ...events,
  });
}
