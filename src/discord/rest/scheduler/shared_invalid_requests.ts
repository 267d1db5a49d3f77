/**
 * Counts the requests of this machine that Discord counted as invalid.
 *
 * Discord bans an address, not a bot. So all accounts share one budget, and a new process continues
 * the stored count (D3).
 *
 * @module
 */

import type { AccountId } from "../../../core/discord/ids.ts";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
  type InvalidRequests,
} from "../../../core/discord/invalid_requests.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Store } from "../../../core/store/store.ts";

/** The shared count of invalid requests. */
export interface SharedInvalidRequests {
  /** Returns one account's counter, which includes the requests of all accounts. */
  of(accountId: AccountId): Promise<InvalidRequests>;
}

/** Creates the count that all accounts share. */
export function createSharedInvalidRequests(
  { store, now, log }: Clock & {
    /** Methods of the store. */
    readonly store: {
      readonly gateway: Pick<Store["gateway"], "accountIds">;
      readonly outbox: Pick<Store["outbox"], "loadInvalidRequests" | "addInvalidRequest">;
    };
    /** Gets warnings and failures. */
    readonly log: Log;
  },
): SharedInvalidRequests {
  const counts = new Map<AccountId, Promise<InvalidRequests>>();
  const ready: InvalidRequests[] = [];

  async function load(accountId: AccountId): Promise<InvalidRequests> {
    const since = Math.floor((now() - INVALID_WINDOW_MS) / 60_000);
    const stored = await store.outbox.loadInvalidRequests(accountId, since);
    const own = createInvalidRequests(stored, (minute) => {
      store.outbox.addInvalidRequest(accountId, minute).catch((error: unknown) => {
        log.warn("Cannot store that Discord refused a request", { error });
      });
    });
    ready.push(own);
    return own;
  }

  function ownOf(accountId: AccountId): Promise<InvalidRequests> {
    let own = counts.get(accountId);
    if (!own) counts.set(accountId, own = load(accountId));
    return own;
  }

  return {
    async of(accountId) {
      await Promise.all((await store.gateway.accountIds()).map(ownOf));
      const { note } = await ownOf(accountId);
      return { count: (at) => ready.reduce((sum, own) => sum + own.count(at), 0), note };
    },
  };
}
