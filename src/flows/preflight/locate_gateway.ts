/**
 * Where the gateway is, and how it wants to be met: as Discord said last, or asked now.
 *
 * A start that knows it from the last run connects without a request. A network
 * that is not there yet is waited for, since a box often boots before its
 * router; a token that is refused is not.
 *
 * @module
 */

import type { SessionStartLimit } from "../../core/discord/identify_budget.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { Log } from "../../lib/log.ts";

/** What Discord says of its gateway. */
export interface GatewayPlace {
  /** `ws://` or `wss://`, without query. */
  readonly url: string;
  /** How many shards it recommends. */
  readonly shards: number;
  readonly limit: SessionStartLimit;
}

export interface LocateGatewayPorts {
  /** Asks Discord; rejects if it does not tell. */
  readonly ask: () => Promise<GatewayPlace>;
  /** Whether asking again may help. */
  readonly isTransient: (error: unknown) => boolean;
  readonly save: (place: GatewayPlace) => Promise<void>;
  /** Resolves after so many milliseconds, or rejects once the process stops. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  readonly log: Log;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** What is known of it from before. */
export interface KnownGateway {
  readonly place: GatewayPlace;
  /** Discord said so not long ago: there is no need to ask. */
  readonly isFresh: boolean;
}

/** @throws {unknown} What `ask` threw, where asking again is of no use. */
export async function locateGateway(
  known: KnownGateway | undefined,
  { ask, isTransient, save, sleep, random, log }: LocateGatewayPorts,
): Promise<GatewayPlace> {
  if (known?.isFresh) return known.place;
  for (let attempt = 1;; attempt++) {
    try {
      const place = await ask();
      await save(place).catch((error: unknown) => {
        log.error("Cannot store where the gateway is; will ask again at the next start", { error });
      });
      return place;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (known) {
        log.warn("Cannot ask Discord where its gateway is; going where it was", { error });
        return known.place;
      }
      const waitMs = backoffMs(attempt, random(), WAIT);
      log.warn("Cannot ask Discord where its gateway is; will try again", { waitMs, error });
      await sleep(waitMs);
    }
  }
}
