/**
 * Remembers results to save work: a read that happens once, a value derived from a source such as
 * the config, and a bounded set or map.
 */

/** Creates a loader, which has loaded nothing yet. */
export function createLoader<Code>(load: () => Promise<Code>) {
  let loading: Promise<Code> | undefined;
  return {
    /**
     * The code: the same at each call.
     *
     * @throws {unknown} If it cannot be loaded; as a rejection. The next call tries again.
     */
    get: (): Promise<Code> =>
      loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
      }),
    /** The code, if it is loaded or on its way. */
    loading: (): Promise<Code> | undefined => loading,
  };
}

/**
 * Creates an empty set with a maximum size. Reading a member does not make it newer.
 *
 * @param max Maximum number of members, from 1.
 */
export function createNewestSet<Member>(max: number) {
  const members = new Set<Member>();
  return {
    /** Number of members, at most the maximum. */
    get size(): number {
      return members.size;
    },
    has: (member: Member): boolean => members.has(member),
    /** Adds a member as the newest. Beyond the maximum, removes the oldest one. */
    add(member: Member): void {
      members.delete(member);
      members.add(member);
      for (const oldest of members) {
        if (members.size <= max) break;
        members.delete(oldest);
      }
    },
    clear: (): void => members.clear(),
  };
}

export type NewestSet<Member> = ReturnType<typeof createNewestSet<Member>>;

/** Sets the newest entry of a map, and removes the oldest beyond a number. */
export function keepNewest<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  value: Value,
  max: number,
): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > max && oldest !== undefined) map.delete(oldest);
}

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

/** As {@link latest}, for several keys: a value for each key that was asked for. */
export function latestOf<Source, Key, Derived>(
  source: () => Source,
  derive: (source: Source, key: Key) => Derived,
): (key: Key) => Derived {
  const byKey = latest(source, (by) => eachOnce((key: Key) => derive(by, key)));
  return (key) => byKey()(key);
}

/** Makes a value for each key at its first use. The keys must be few: no value is forgotten. */
export function eachOnce<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}

/** As {@link eachOnce}, for objects: a value lives as long as its object. */
export function oncePer<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, Value>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, value = make(key));
    return value;
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
  // A start makes it only if it needs it.
  const current = latest(() => secrets().length, () => make(secrets()));
  return (text) => current()(text);
}

/** Wraps a read: the first call reads, and all calls get its result, a failure too. */
export function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | undefined;
  return () => known ??= read();
}
