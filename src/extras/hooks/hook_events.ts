/** Takes events of hooks into the store. */

import type { NewHookEvent, StoredHookEvent } from "../../core/hooks/hook.ts";
import type { Served } from "../../cli/extras/served_part.ts";

export function createHookEvents({ bot, store }: Pick<Served, "bot" | "store">) {
  return {
    /**
     * Stores an event, and wakes its account.
     *
     * @param number Random, of 22 bits.
     * @returns `undefined` if too many events of the hook wait.
     */
    async accept(event: NewHookEvent, number: number): Promise<StoredHookEvent | undefined> {
      const stored = await store.hooks.accept(event, Date.now(), number);
      if (stored && !stored.isRepeated) bot.wake(event.accountId, "hooks");
      return stored;
    },
    /** Counts a request; `hook` is absent if there is none with its name. */
    count: bot.hookRequested,
  };
}
