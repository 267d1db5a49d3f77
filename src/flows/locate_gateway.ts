/**
 * Where the gateway is: as Discord said last, or asked now.
 *
 * A start that knows the address from the last run connects without a request.
 * A network that is not there yet is waited for, since a box often boots before
 * its router; a token that is refused is not.
 *
 * @module
 */

import { backoffMs } from "../lib/backoff.ts";
import type { Log } from "../lib/log.ts";

export interface LocateGatewayPorts {
  /** Asks Discord; rejects if it does not tell. */
  readonly ask: () => Promise<string>;
  /** Whether asking again may help. */
  readonly isTransient: (error: unknown) => boolean;
  readonly save: (url: string) => Promise<void>;
  /** Resolves after so many milliseconds, or rejects once the process stops. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  readonly log: Log;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** Where the gateway was, as far as is known. */
export interface KnownGateway {
  readonly url: string;
  /** Discord said so not long ago: there is no need to ask. */
  readonly isFresh: boolean;
}

/** @throws {unknown} What `ask` threw, where asking again is of no use. */
export async function locateGateway(
  known: KnownGateway | undefined,
  { ask, isTransient, save, sleep, random, log }: LocateGatewayPorts,
): Promise<string> {
  if (known?.isFresh) return known.url;
  for (let attempt = 1;; attempt++) {
    try {
      const url = await ask();
      await save(url).catch((error: unknown) => {
        log.error("Cannot store where the gateway is; will ask again at the next start", { error });
      });
      return url;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (known) {
        log.warn("Cannot ask Discord where its gateway is; going where it was", { error });
        return known.url;
      }
      const waitMs = backoffMs(attempt, random(), WAIT);
      log.warn("Cannot ask Discord where its gateway is; will try again", { waitMs, error });
      await sleep(waitMs);
    }
  }
}
