/**
 * The config's rules of reconnecting, for tests of parts that get them.
 *
 * `tests/config/load_test.ts` states the same defaults on its own, because it proves them.
 */

import type { ReconnectRules } from "../../../src/discord/gateway/lifecycle/close_codes.ts";

/** The defaults of `channels.discord.gateway.reconnect`. */
export const RECONNECT: ReconnectRules = {
  enabled: true,
  maxRetries: 10,
  backoffBase: 1.5,
  backoffMaxSec: 60,
  resumeSession: true,
  sessionCacheTtlSec: 300,
  exitOnGiveUp: false,
};
