/** Computes figures from a bench's samples. */

/** Figures of one bench in one round, by name. */
export type Readings = Readonly<Record<string, number>>;

/**
 * The nearest-rank quantile.
 *
 * @param at 0.5 for the median, 0.99 for the 99th percentile.
 * @returns `NaN` for no samples.
 */
export function quantile(samples: readonly number[], at: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * at) - 1)] ?? NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** The lowest sample: the one that other load on the machine has spoilt least. */
export const least = (samples: readonly number[]): number => quantile(samples, 0);

/** The median of each figure over the rounds that have it. */
export function medianOf(rounds: readonly Readings[]): Readings {
  const names = new Set(rounds.flatMap(Object.keys));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      median(rounds.map((round) => round[name]).filter((value) => value !== undefined)),
    ]),
  );
}
