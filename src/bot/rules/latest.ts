/**
 * Caches values that derive from the config.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";

/** Caches a value derived from the config, and derives it again for another config. */
export function latest<Derived>(
  config: () => Config,
  derive: (config: Config) => Derived,
): () => Derived {
  let last: { readonly source: Config; readonly derived: Derived } | undefined;
  return () => {
    const source = config();
    if (last?.source !== source) last = { source, derived: derive(source) };
    return last.derived;
  };
}
