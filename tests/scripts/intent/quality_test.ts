import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rankingQuality, thresholdQuality } from "../../../scripts/intent/quality.ts";

const scores = fc.array(
  fc.record({ score: fc.integer({ min: 0, max: 9 }).map((ten) => ten / 10), label: fc.boolean() }),
  { minLength: 1, maxLength: 40 },
);

describe("the quality of scores", () => {
  it("[I2] has as AUC the chance that a positive scores higher than a negative", () => {
    fc.assert(fc.property(scores, (all) => {
      const positives = all.filter(({ label }) => label);
      const negatives = all.filter(({ label }) => !label);
      fc.pre(positives.length > 0 && negatives.length > 0);
      let wins = 0;
      for (const high of positives) {
        for (const low of negatives) {
          wins += high.score > low.score ? 1 : high.score === low.score ? 0.5 : 0;
        }
      }
      const expected = wins / (positives.length * negatives.length);
      assert.ok(Math.abs(rankingQuality(all).auc - expected) < 1e-9);
    }));
  });

  it("[I2] counts hits, misses and false alarms of a threshold", () => {
    const all = [
      { score: 0.9, label: true },
      { score: 0.8, label: false },
      { score: 0.7, label: true },
      { score: 0.6, label: true },
      { score: 0.1, label: false },
    ];
    const { precision, recall, f1, share } = thresholdQuality(all, 0.7);
    assert.deepEqual([precision, recall, f1, share], [2 / 3, 2 / 3, 2 / 3, 3 / 5]);
    assert.equal(rankingQuality(all).averagePrecision, (1 + 2 / 3 + 3 / 4) / 3);
  });

  it("[I2] is 0 for a threshold that no message reaches", () => {
    const quality = thresholdQuality([{ score: 0.1, label: true }], 0.7);
    assert.deepEqual(quality, { precision: 0, recall: 0, f1: 0, share: 0 });
  });
});
