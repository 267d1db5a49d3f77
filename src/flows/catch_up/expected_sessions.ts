/**
 * Remembers the shards whose next gateway session is still to come, or is being stored.
 *
 * A new session may come with a gap. Until Barnacle has read it from the store, no turn may begin.
 *
 * @module
 */

/** The expected sessions of one account. */
export interface ExpectedSessions {
  /** Whether any shard expects a session. */
  any(): boolean;
  /**
   * Notes that a shard will begin a new session.
   *
   * @returns Whether it is the first such shard. A repeated call, after the store refused T0, gets
   * `false`.
   */
  due(shardId: number): boolean;
  /**
   * Notes that a shard's new session is about to be stored.
   *
   * @returns Whether it is the first such shard.
   */
  starting(shardId: number): boolean;
  /** Notes that the session is stored, and that Barnacle has read its gap. */
  started(shardId: number): void;
  /** Forgets shards from this number on, because no session of theirs will follow. */
  setShardCount(count: number): void;
}

/** Creates memory without an expected session. */
export function createExpectedSessions(): ExpectedSessions {
  /** Shards that will begin a new session. */
  const due = new Set<number>();
  /** Shards with a new session whose gap is not known yet. */
  const unsure = new Set<number>();

  function add(shardId: number, set: Set<number>): boolean {
    const isFirst = set.size === 0;
    set.add(shardId);
    return isFirst;
  }

  return {
    any: () => unsure.size > 0 || due.size > 0,
    due: (shardId) => add(shardId, due),
    starting(shardId) {
      due.delete(shardId);
      return add(shardId, unsure);
    },
    started: (shardId) => void unsure.delete(shardId),
    setShardCount(count) {
      for (const set of [due, unsure]) {
        for (const shardId of set) if (shardId >= count) set.delete(shardId);
      }
    },
  };
}
