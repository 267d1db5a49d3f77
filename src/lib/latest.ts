/**
 * Caches values: of a read that happens once, or derived from a source, such as the config.
 *
 * @module
 */

/** Derives a value from a source, and derives it again for another source. */
export function latest<Source, Derived>(
  source: () => Source,
  derive: (source: Source) => Derived,
): () => Derived {
  let last: { readonly source: Source; readonly derived: Derived } | undefined;
  return () => {
    const now = source();
    if (last?.source !== now) last = { source: now, derived: derive(now) };
    return last.derived;
  };
}

/**
 * Keeps a function that depends on the program's secrets up to date with them. A reload may bring
 * another token or key. From then on each running account must redact it, even an account without
 * changes of its own: its model may be asked for the secret too.
 *
 * @param secrets Returns all current secrets; secrets are only ever added.
 */
export function createBySecrets<Result>(
  secrets: () => readonly string[],
  make: (secrets: readonly string[]) => (text: string) => Result,
): (text: string) => Result {
  let known = secrets();
  let current = make(known);
  return (text) => {
    const all = secrets();
    if (all.length > known.length) {
      known = all;
      current = make(all);
    }
    return current(text);
  };
}

/** Wraps a read: the first call reads, and all calls get its result, a failure too. */
export function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | undefined;
  return () => known ??= read();
}
