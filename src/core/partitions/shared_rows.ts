/**
 * The contract of `store.sharedRows`: rows that hold over all partitions of a bot (O16).
 *
 * Each partition's store has all of them. A change is noted here, goes to the others in one order that
 * all of them share, and comes back to its own store, which then drops the note.
 */

/** A change of a row. */
export interface RowChange {
  /** Random. */
  readonly id: string;
  /** Name of the table, or {@link FORGOTTEN}. */
  readonly name: string;
  /** The row's key, as a JSON array. */
  readonly key: string;
  /** The row, as a JSON object; `null` if it was deleted. */
  readonly value: string | null;
}

/** A change with its place in the order of all. */
export interface OrderedChange extends RowChange {
  /** Its number in that order. */
  readonly sequence: number;
}

/** The table whose rows change with each reply, and have numbers only. */
export const COUNTS = "usage";

/** The name of a change that forgets a person; its key is the user's id in an array. */
export const FORGOTTEN = "#forgotten";

/** All methods of `store.sharedRows`. */
export interface SharedRows {
  /** Whether changes may wait; it costs one small read. */
  isWaiting(): Promise<boolean>;
  /**
   * Id of the newest change that waits, besides {@link COUNTS}; `undefined` if there is none. It costs
   * one small read.
   */
  newest(): Promise<string | undefined>;
  /** The changes of this store that have not come back yet; they are confirmed. */
  waiting(): Promise<readonly RowChange[]>;
  /** Number of the last change that this store has. */
  position(): Promise<number>;
  /** The same, confirmed: a takeover does not undo it. */
  confirmedPosition(): Promise<number>;
  /** Those changes that do not come from this store's own notes. */
  foreign(changes: readonly OrderedChange[]): Promise<readonly OrderedChange[]>;
  /**
   * Takes changes, in their order. A row with a waiting change of this store keeps it: that comes later
   * in the order.
   */
  apply(changes: readonly OrderedChange[]): Promise<void>;
}
