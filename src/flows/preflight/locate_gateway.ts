/**
 * Finds the gateway's URL and limits: Discord's last answer, or a new one.
 *
 * If the store has a recent answer, Barnacle connects without a request. It waits for a network
 * that is not there yet, since a box often boots before its router. It does not wait if Discord
 * refuses the token.
 */

import type { Account } from "../../core/account/account.ts";
import type { GatewayInfo } from "../../core/discord/gateway.ts";
import type { StoredAccount } from "../../core/store/gateway.ts";
import { DAY_MS, waitFor } from "../../lib/clock.ts";
import { backoffMs } from "../../lib/network/backoff.ts";
import type { GatewayRecords } from "../../store/gateway/gateway.ts";

/** Everything that this needs from outside. */
export interface LocateGatewayPorts extends Pick<Account, "log" | "random"> {
  /** Asks Discord; rejects if there is no answer. */
  readonly ask: () => Promise<GatewayInfo>;
  /** Whether a further attempt may succeed after this error. */
  readonly isTransient: (error: unknown) => boolean;
  /** Stores the answer for the next start. */
  readonly save: (place: GatewayInfo) => Promise<void>;
  /** Resolves after a delay in milliseconds, or rejects once the process stops. */
  readonly sleep: (ms: number) => Promise<void>;
}

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/**
 * Finds the gateway. Waits and retries while Discord is unreachable, unless an earlier answer
 * exists.
 *
 * @throws {unknown} The error of `ask` if a further attempt cannot succeed, or of `sleep`, as a
 * rejection.
 */
export async function locateGateway(
  known: {
    readonly place: GatewayInfo;
    /** Whether the answer is recent enough to use without a request. */
    readonly isFresh: boolean;
  } | undefined,
  { ask, isTransient, save, sleep, random, log }: LocateGatewayPorts,
): Promise<GatewayInfo> {
  if (known?.isFresh) return known.place;
  for (let attempt = 1;; attempt++) {
    try {
      const place = await ask();
      await save(place).catch((error: unknown) => {
        log.error("Cannot store the gateway's URL; will ask again at the next start", { error });
      });
      return place;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (known) {
        log.warn("Cannot ask Discord for its gateway's URL; using the last known one", { error });
        return known.place;
      }
      const waitMs = backoffMs(attempt, random(), WAIT);
      log.warn("Cannot ask Discord for its gateway's URL; will try again", { waitMs, error });
      await sleep(waitMs);
    }
  }
}

/** Creates the search for the gateway. It uses an answer of the last day without asking. */
export function createLocate(
  account: Pick<
    Account<{ readonly gateway: Pick<GatewayRecords, "saveGateway"> }>,
    "accountId" | "store" | "stopping" | "schedule" | "random" | "now" | "log"
  >,
  { gateway, limit }: Pick<StoredAccount, "gateway" | "limit">,
  { readGatewayInfo, isTransient }:
    & Pick<LocateGatewayPorts, "isTransient">
    & { readonly readGatewayInfo: () => Promise<GatewayInfo> },
): () => Promise<GatewayInfo> {
  const { accountId, store, stopping, schedule, random, now, log } = account;
  return () =>
    locateGateway(
      gateway && limit && {
        place: { url: gateway.url, shards: limit.shards, limit },
        isFresh: now() - gateway.at < DAY_MS,
      },
      {
        async ask() {
          try {
            return await readGatewayInfo();
          } catch (error) {
            stopping.throwIfAborted(); // the stop ended the request: no failure, and no further attempt
            throw error;
          }
        },
        isTransient,
        save: (found) => store.gateway.saveGateway(accountId, found, now()),
        async sleep(ms) {
          await waitFor(ms, schedule, stopping);
          stopping.throwIfAborted();
        },
        random,
        log,
      },
    );
}
