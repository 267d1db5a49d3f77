/** Takes events of hooks into the store. */

import type { NewHookEvent, StoredHookEvent } from "../../core/hooks/hook.ts";
import type { Store } from "../../core/store/store.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { Accounts } from "../account/accounts.ts";

/** The receiver of hooks. */
export interface HookEvents {
  /**
   * Stores an event, and wakes its account.
   *
   * @param number Random, of 22 bits.
   * @returns `undefined` if too many events of the hook wait.
   */
  accept(event: NewHookEvent, number: number): Promise<StoredHookEvent | undefined>;
  /** Counts a request; `hook` is absent if there is none with its name. */
  count(result: string, hook?: string): void;
}

/** Creates it. */
export function createHookEvents(
  { store }: { readonly store: Store },
  { accounts, metrics, now }: {
    readonly accounts: Pick<Accounts, "running">;
    readonly metrics: Metrics;
    readonly now: () => number;
  },
): HookEvents {
  return {
    async accept(event, number) {
      const stored = await store.hooks.accept(event, now(), number);
      if (stored && !stored.isRepeated) {
        accounts.running(event.accountId)?.changedByCommand("hooks");
      }
      return stored;
    },
    count: (result, hook = "unknown") => metrics.hookRequests.inc({ hook, result }),
  };
}
