/** Takes events of hooks: into the store, or for the partition of their place (O16). */

import type { ChannelId } from "../../core/discord/ids.ts";
import {
  type NewHookEvent,
  placeOfHook,
  rulesOfHook,
  type StoredHookEvent,
} from "../../core/hooks/hook.ts";
import type { Store } from "../../core/store/store.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { Accounts } from "../account/accounts.ts";
import type { Setup } from "../rules/setup.ts";

/**
 * Stores an event for the partition of its place.
 *
 * @param channelId The place; absent: direct messages.
 * @param number Random, of 22 bits.
 * @returns `undefined` if too many events of the hook wait.
 */
export type AcceptEvent = (
  event: NewHookEvent,
  channelId: ChannelId | undefined,
  number: number,
) => Promise<StoredHookEvent | undefined>;

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
  { store, acceptEvent }: { readonly store: Store; readonly acceptEvent?: AcceptEvent },
  { setup, accounts, metrics, now }: {
    readonly setup: () => Setup;
    readonly accounts: Pick<Accounts, "running">;
    readonly metrics: Metrics;
    readonly now: () => number;
  },
): HookEvents {
  /** `undefined` for the direct messages of a person. */
  function channelOf({ hook }: NewHookEvent): ChannelId | undefined {
    const rules = rulesOfHook(setup().config, hook);
    const place = rules && placeOfHook(rules);
    return place?.kind === "channel" ? place.channelId : undefined;
  }

  return {
    async accept(event, number) {
      if (acceptEvent) return await acceptEvent(event, channelOf(event), number);
      const stored = await store.hooks.accept(event, now(), number);
      if (stored && !stored.isRepeated) {
        accounts.running(event.accountId)?.changedByCommand("hooks");
      }
      return stored;
    },
    count: (result, hook = "unknown") => metrics.hookRequests.inc({ hook, result }),
  };
}
