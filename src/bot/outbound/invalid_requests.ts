/**
 * How many requests of this machine Discord has counted as invalid.
 *
 * It bans an address and not a bot, so what one account has spent is gone for the others, too; and
 * a process that dies begins where it was (D3).
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
  type InvalidRequests,
} from "../../core/discord/invalid_requests.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";

export interface SharedInvalidRequests {
  /** Those that an account notes, with all accounts' in the count. */
  of(accountId: AccountId): Promise<InvalidRequests>;
}

export interface InvalidRequestsPorts {
  readonly store: {
    readonly gateway: Pick<Store["gateway"], "accountIds">;
    readonly outbox: Pick<Store["outbox"], "loadInvalidRequests" | "addInvalidRequest">;
  };
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export function shareInvalidRequests(
  { store, now, log }: InvalidRequestsPorts,
): SharedInvalidRequests {
  const counts = new Map<AccountId, Promise<InvalidRequests>>();
  const ready: InvalidRequests[] = [];

  async function load(accountId: AccountId): Promise<InvalidRequests> {
    const since = Math.floor((now() - INVALID_WINDOW_MS) / 60_000);
    const stored = await store.outbox.loadInvalidRequests(accountId, since);
    const own = createInvalidRequests(stored, (minute) => {
      store.outbox.addInvalidRequest(accountId, minute).catch((error: unknown) => {
        log.warn("Cannot store that Discord has refused a request", { error });
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
