/** Measures how well scores tell messages with a label from those without it (I2). */

/** A score and its true label. */
export interface LabelledScore {
  /** From 0 to 1. */
  readonly score: number;
  readonly label: boolean;
}

/** How well scores rank messages, at any threshold. */
export interface RankingQuality {
  readonly count: number;
  /** Number of true labels. */
  readonly positives: number;
  /** Chance that a random positive scores higher than a random negative. */
  readonly auc: number;
  /** Mean of the precision at each positive, from the highest score down. */
  readonly averagePrecision: number;
}

/** How well one threshold decides. */
export interface ThresholdQuality {
  /** Part of the messages that reach the threshold whose label is true. */
  readonly precision: number;
  /** Part of the true labels that reach the threshold. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
  /** Part of all messages that reach the threshold. */
  readonly share: number;
}

/** Measures the ranking. Without both labels, AUC and average precision are NaN. */
export function rankingQuality(scores: readonly LabelledScore[]): RankingQuality {
  const ascending = scores.toSorted((a, b) => a.score - b.score);
  const positives = scores.filter(({ label }) => label).length;
  const negatives = scores.length - positives;
  const lowestRankSum = (positives * (positives + 1)) / 2;
  return {
    count: scores.length,
    positives,
    auc: (rankSum(ascending) - lowestRankSum) / (positives * negatives),
    averagePrecision: precisionSum(ascending.toReversed()) / positives,
  };
}

export function thresholdQuality(
  scores: readonly LabelledScore[],
  threshold: number,
): ThresholdQuality {
  const fired = scores.filter(({ score }) => score >= threshold);
  const hits = fired.filter(({ label }) => label).length;
  const positives = scores.filter(({ label }) => label).length;
  const precision = hits / (fired.length || 1);
  const recall = hits / (positives || 1);
  return {
    precision,
    recall,
    f1: (2 * precision * recall) / (precision + recall || 1),
    share: fired.length / (scores.length || 1),
  };
}

/** The sum of the positives' ranks. Equal scores share their mean rank. */
function rankSum(ascending: readonly LabelledScore[]): number {
  let sum = 0;
  for (let start = 0; start < ascending.length;) {
    let end = start;
    let positives = 0;
    while (ascending[end]?.score === ascending[start]?.score && end < ascending.length) {
      if (ascending[end++]?.label) positives++;
    }
    sum += (positives * (start + end + 1)) / 2;
    start = end;
  }
  return sum;
}

function precisionSum(descending: readonly LabelledScore[]): number {
  let positives = 0;
  let sum = 0;
  for (const [at, { label }] of descending.entries()) if (label) sum += ++positives / (at + 1);
  return sum;
}
