/**
 * Lets originals wait that PluralKit may still replace, each for two seconds (P13).
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import { createNewestSet } from "../../lib/cache.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Everything that originals need from outside. The callbacks must not throw. */
export interface OriginalsPorts<Row> {
  /** Timer for the waits. */
  readonly schedule: StartTimer;
  /** Called if no message has replaced an original in time. */
  readonly onAlone: (row: Row) => void;
  /** Called if an original was deleted or replaced before it arrived. */
  readonly onReplaced: (row: Row) => void;
}

/** The waiting originals of one account. */
export interface Originals<Row> {
  /**
   * Lets an original wait. After a restart it waits anew: its replacement may arrive only with the
   * RESUME.
   */
  add(row: Row): void;
  /**
   * Tells that a message was deleted or replaced, and ends its wait.
   *
   * @returns The original, if it waited.
   */
  remove(id: MessageId): Row | undefined;
  /** Ends all waits; no callback is called for them. */
  stop(): void;
}

/** Milliseconds for which an original waits for its replacement. */
export const ORIGINAL_MS = 2_000;
/** Maximum number of deleted or replaced messages to remember until they arrive. */
const MAX_REMOVED = 1_000;

/** Creates the originals of one account; none waits. */
export function createOriginals<Row extends { readonly message: { readonly id: MessageId } }>(
  { schedule, onAlone, onReplaced }: OriginalsPorts<Row>,
): Originals<Row> {
  const removed = createNewestSet<MessageId>(MAX_REMOVED);
  /** Originals that wait; `cancel` ends their timer. */
  const waiting = new Map<MessageId, { readonly row: Row; readonly cancel: () => void }>();

  function end(id: MessageId): Row | undefined {
    const original = waiting.get(id);
    waiting.delete(id);
    original?.cancel();
    return original?.row;
  }

  return {
    add(row) {
      const { id } = row.message;
      if (removed.has(id)) return onReplaced(row);
      const cancel = schedule(() => {
        waiting.delete(id);
        onAlone(row);
      }, ORIGINAL_MS);
      waiting.set(id, { row, cancel });
    },
    remove(id) {
      removed.add(id);
      return end(id);
    },
    stop() {
      for (const id of [...waiting.keys()]) end(id);
    },
  };
}
