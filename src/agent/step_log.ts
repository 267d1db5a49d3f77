/**
 * The steps of one turn in memory, and which of them the store has.
 *
 * @module
 */

import type { SaveSteps, Step } from "../core/step.ts";

/** The steps of one turn. */
export interface StepLog {
  /** All steps so far, in order. */
  readonly steps: readonly Step[];
  /** The last of them, which the store does not have. */
  readonly unsaved: readonly Step[];
  /** Adds steps, without storing them. */
  add(...steps: readonly Step[]): void;
  /**
   * Stores the unsaved steps; does nothing if there are none.
   *
   * @throws {unknown} The store's error, as a rejection.
   */
  save(waitsForDisk: boolean): Promise<void>;
  /**
   * Stores the unsaved steps together with one more, if there is one.
   *
   * @param store Stores the steps and one more, and returns that; stores nothing if there is none.
   * @throws {unknown} The store's error, as a rejection.
   */
  saveWith(store: (unsaved: readonly Step[]) => Promise<Step | undefined>): Promise<void>;
  /** Whether the store has failed. */
  failure(): boolean;
}

/**
 * Creates the log.
 *
 * @param stored Steps that an earlier process has stored.
 */
export function createStepLog(stored: readonly Step[], save: SaveSteps): StepLog {
  const steps = [...stored];
  let saved = steps.length;
  let hasFailed = false;
  /** Runs a transaction, and remembers its failure. */
  async function storing<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  }
  return {
    steps,
    get unsaved() {
      return steps.slice(saved);
    },
    add: (...more) => void steps.push(...more),
    async save(waitsForDisk) {
      if (saved === steps.length) return;
      const until = steps.length;
      await storing(() => save(steps.slice(saved, until), waitsForDisk));
      saved = until;
    },
    async saveWith(store) {
      const more = await storing(() => store(steps.slice(saved)));
      if (!more) return;
      steps.push(more);
      saved = steps.length;
    },
    failure: () => hasFailed,
  };
}
