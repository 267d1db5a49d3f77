/**
 * Discord's answer about its gateway.
 *
 * @module
 */

import type { SessionStartLimit } from "./identify_budget.ts";

/** The address and the limits of Discord's gateway. */
export interface GatewayInfo {
  /** WebSocket URL without query: `ws://` or `wss://`. */
  readonly url: string;
  /** Number of shards that Discord recommends. */
  readonly shards: number;
  /** The limit for new sessions, at the time of the answer. */
  readonly limit: SessionStartLimit;
}
