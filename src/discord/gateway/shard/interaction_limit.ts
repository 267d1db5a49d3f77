/**
 * Bounds the interactions of each person on the gateway's thread (X4a).
 *
 * Discord lets a program press buttons and give commands as fast as it likes, whatever its rights are.
 * Each of them costs an acknowledgement, a message to the main thread and a decision. So the thread
 * drops those beyond the bound, without an acknowledgement. Discord tells the person that they failed.
 */

import type { StartTimer } from "../../../lib/clock.ts";

export const INTERACTION_WINDOW_MS = 10_000;

/** Interactions of a person in a window; a person who types an option causes several a second. */
export const PER_PERSON = 40;

/** Interactions of all people in a window from which on each person has {@link PER_PERSON_FLOODED}. */
export const FLOODED_FROM = 1_000;

/**
 * Interactions of a person in a window while many people send many. The first of an owner or approver
 * makes the main thread admit them, so this must be more than one.
 */
export const PER_PERSON_FLOODED = 2;

/**
 * Creates the bound for one account, without any interaction so far.
 *
 * @param onDropped Called at the end of a window in which interactions were dropped.
 */
export function createInteractionLimit(
  { steadyNow, schedule }: {
    /** Milliseconds of a monotonic clock. */
    readonly steadyNow: () => number;
    readonly schedule: StartTimer;
  },
  onDropped: (dropped: { readonly interactions: number; readonly people: number }) => void,
) {
  const counts = new Map<string, number>();
  const admitted = new Set<string>();
  let from = -Infinity;
  let total = 0;
  let dropped: { interactions: number; readonly people: Set<string> } | undefined;

  function drop(userId: string, leftMs: number): void {
    if (!dropped) {
      dropped = { interactions: 0, people: new Set() };
      schedule(() => {
        const { interactions = 0, people = new Set() } = dropped ?? {};
        dropped = undefined;
        onDropped({ interactions, people: people.size });
      }, leftMs);
    }
    dropped.interactions++;
    dropped.people.add(userId);
  }

  return {
    /** Counts an interaction. @returns Whether it is taken; otherwise it must be dropped. */
    take(userId: string): boolean {
      const now = steadyNow();
      if (now - from >= INTERACTION_WINDOW_MS) {
        from = now;
        total = 0;
        counts.clear();
        admitted.clear();
      }
      const count = counts.get(userId) ?? 0;
      const isFlooded = total >= FLOODED_FROM && !admitted.has(userId);
      const isTaken = count < (isFlooded ? PER_PERSON_FLOODED : PER_PERSON);
      if (!isTaken) drop(userId, from + INTERACTION_WINDOW_MS - now);
      else {
        total++;
        counts.set(userId, count + 1);
      }
      return isTaken;
    },
    /** Takes {@link PER_PERSON} of this person until the window ends, however many others send. */
    admit: (userId: string): void => void admitted.add(userId),
  };
}

export type InteractionLimit = ReturnType<typeof createInteractionLimit>;
