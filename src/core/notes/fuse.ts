/**
 * Merges the results of several searches by rank (T14).
 *
 * Scores of different searches cannot be compared, but ranks can. A note that two searches find
 * stands before a note that only one of them finds at a similar rank.
 *
 * @see {@link https://plg.uwaterloo.ca/~gvcormac/cormacksigir09-rrf.pdf} (reciprocal rank fusion)
 *
 * @module
 */

/** Weakens the first ranks, so that one search alone does not decide; the usual value. */
const DAMPING = 60;

/**
 * Merges lists of ids.
 *
 * @param lists Each without repetitions, the best id first.
 * @returns The best ids first, each once; ties in the order of the lists.
 */
export function fuseRanks(lists: readonly (readonly number[])[], limit: number): readonly number[] {
  const scores = new Map<number, number>();
  for (const list of lists) {
    for (const [rank, id] of list.entries()) {
      scores.set(id, (scores.get(id) ?? 0) + 1 / (DAMPING + rank + 1));
    }
  }
  return [...scores].toSorted(([, one], [, other]) => other - one).slice(0, limit)
    .map(([id]) => id);
}
