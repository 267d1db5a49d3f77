/** The store for a process that has no partition (O16): all rows are with other processes. */

import type { Store } from "../../core/store/store.ts";

/**
 * The methods that ask no other process. Charts are those of their own process, and this one has none.
 *
 * @param writes Differs after each change of any partition.
 */
export function ownNothing(writes: () => number): Store {
  const own: Pick<Store, "writes" | "catchUp" | "close"> & { readonly trends: object } = {
    writes,
    catchUp() {},
    close() {},
    trends: { trendsSince: () => Promise.resolve([]) },
  };
  return own as Store; // all others come with `elsewherePart()`, or are refused
}

/** Refuses each method that no other process is asked for. */
export function refusingOthers(store: Store): Store {
  const refuse = () =>
    Promise.reject(
      new Error(
        "This process owns no data of the bot, so it cannot do this; run the command where an owner runs",
      ),
    );
  return new Proxy(store, {
    get(target, namespace) {
      const methods: unknown = Reflect.get(target, namespace);
      if (typeof methods !== "object" && methods !== undefined) return methods;
      if (typeof namespace === "symbol" || namespace === "sharedRows") return methods;
      return new Proxy(methods ?? {}, {
        get: (all, name) =>
          Reflect.get(all, name) ?? (typeof name === "symbol" ? undefined : refuse),
      });
    },
  });
}
