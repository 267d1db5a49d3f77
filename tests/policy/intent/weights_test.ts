import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkIntentWeights,
  readIntentWeights,
  SHIPPED_WEIGHTS,
} from "../../../src/policy/intent/weights.ts";
import shipped from "../../../src/policy/intent/weights.json" with { type: "json" };

function changed(change: (weights: typeof shipped & Record<string, unknown>) => void): string {
  const copy = structuredClone(shipped);
  change(copy);
  return JSON.stringify(copy);
}

describe("the weights of the intent filter", () => {
  it("[I1] name their source and licence", () => {
    assert.match(SHIPPED_WEIGHTS.source, /irc-disentanglement.*ACL 2019.*ALTA 2023/);
    assert.equal(SHIPPED_WEIGHTS.licence, "CC BY 4.0");
  });

  it("[I1] have 43 features for two heads, and 24 for the third", () => {
    const { directed, needsReply, room } = SHIPPED_WEIGHTS;
    assert.deepEqual([directed.length, needsReply.length, room.length], [43, 43, 24]);
  });

  for (
    const [problem, text, message] of [
      ["another version", changed((one) => one.version = 2), /version is 2, not 1/],
      [
        "a missing feature",
        changed((one) => Reflect.deleteProperty(one.heads.room.weights, "asksAnyone")),
        /heads\.room\.weights\.asksAnyone is not a finite number/,
      ],
      [
        "an unknown feature",
        changed((one) => Object.assign(one.heads.directed.weights, { moonPhase: 1 })),
        /heads\.directed\.weights has the unknown "moonPhase"/,
      ],
      [
        "NaN",
        changed((one) => one.heads.needsReply.weights.thanks = NaN),
        /heads\.needsReply\.weights\.thanks is not a finite number/,
      ],
      [
        "an infinite number",
        changed((one) => one.typical.thanks = 0).replace('"thanks":0,', '"thanks":1e999,'),
        /typical\.thanks is not a finite number/,
      ],
      [
        "a threshold that is no probability",
        changed((one) => one.heads.room.threshold = 1),
        /heads\.room\.threshold is not between 0 and 1/,
      ],
      [
        "no heads",
        changed((one) => Reflect.deleteProperty(one, "heads")),
        /heads is not an object/,
      ],
      ["text that is no JSON", "{", /JSON/],
      ["a list", "[]", /version is undefined/],
    ] as const
  ) {
    it(`[I1] give way to the shipped ones if they have ${problem}`, () => {
      const read = readIntentWeights(text);
      assert.equal(read.weights, SHIPPED_WEIGHTS);
      assert.match(read.problem ?? "", message);
    });
  }

  it("[I1] of an owner's file are used if they fit", () => {
    const read = readIntentWeights(changed((one) => one.heads.directed.weights.thanks = 9));
    assert.equal(read.problem, undefined);
    assert.equal(new Map(read.weights.directed).get("thanks"), 9);
    assert.doesNotThrow(() => checkIntentWeights(shipped));
    assert.equal(readIntentWeights(undefined).weights, SHIPPED_WEIGHTS);
  });
});
