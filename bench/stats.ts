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

/** The median of each figure over the rounds that have it. */
export function medianOf(rounds: readonly Readings[]): Readings {
  const names = new Set(rounds.flatMap(Object.keys));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      quantile(rounds.map((round) => round[name]).filter((value) => value !== undefined), 0.5),
    ]),
  );
}
