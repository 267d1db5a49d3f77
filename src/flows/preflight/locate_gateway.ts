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

const WAIT = { minDelayMs: 500, maxDelayMs: 60_000, base: 1.5 };

/** @param known What the store has of the account. */
export function createLocate(
  { accountId, store, stopping, schedule, random, now, log }: Pick<
    Account<{ readonly gateway: Pick<GatewayRecords, "saveGateway"> }>,
    "accountId" | "store" | "stopping" | "schedule" | "random" | "now" | "log"
  >,
  known: Pick<StoredAccount, "gateway" | "limit">,
  { readGatewayInfo, isTransient }: {
    readonly readGatewayInfo: () => Promise<GatewayInfo>;
    /** Whether a further attempt may succeed after this error. */
    readonly isTransient: (error: unknown) => boolean;
  },
) {
  async function save(place: GatewayInfo): Promise<void> {
    try {
      await store.gateway.saveGateway(accountId, place, now());
    } catch (error) {
      log.error("Cannot store the gateway's URL; will ask again at the next start", { error });
    }
  }

  /**
   * Finds the gateway; uses an answer of the last day without asking. Waits and retries while
   * Discord is unreachable, unless an earlier answer exists.
   *
   * @throws {unknown} Discord's error if a further attempt cannot succeed, or the reason of the stop.
   */
  return async (): Promise<GatewayInfo> => {
    const { gateway, limit } = known;
    const last = gateway && limit && { url: gateway.url, shards: limit.shards, limit };
    if (last && now() - gateway.at < DAY_MS) return last;
    for (let attempt = 1;; attempt++) {
      try {
        const place = await readGatewayInfo();
        await save(place);
        return place;
      } catch (error) {
        stopping.throwIfAborted(); // the stop ended the request: no failure, and no further attempt
        if (!isTransient(error)) throw error;
        if (last) {
          log.warn("Cannot ask Discord for its gateway's URL; using the last known one", { error });
          return last;
        }
        const waitMs = backoffMs(attempt, random(), WAIT);
        log.warn("Cannot ask Discord for its gateway's URL; will try again", { waitMs, error });
        await waitFor(waitMs, schedule, stopping);
        stopping.throwIfAborted();
      }
    }
  };
}
