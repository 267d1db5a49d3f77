import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  microsOf,
  microsOfAudio,
  microsOfImage,
  type Price,
} from "../../../src/core/spending/budget.ts";

const USED = { inputTokens: 1_000, cachedTokens: 400, outputTokens: 10 };

describe("[L5] the cost of tokens", () => {
  const cases: readonly [Price | undefined, number | undefined][] = [
    [undefined, undefined],
    [{ input: 2, output: 10 }, 2_100],
    [{ input: 2, output: 10, cached: 0.5 }, 1_500],
    [{ audioMinute: 1 }, 0],
  ];
  for (const [price, micros] of cases) {
    it(`is ${micros} at ${JSON.stringify(price)}`, () => {
      assert.equal(microsOf(USED, price), micros);
    });
  }
});

describe("[L5] the cost of audio", () => {
  it("is by the second, and unknown without a price of its own", () => {
    assert.equal(microsOfAudio(90, { audioMinute: 0.006 }), 9_000);
    assert.equal(microsOfAudio(90, { audioMinute: 0 }), 0);
    assert.equal(microsOfAudio(90, { input: 1, output: 1 }), undefined);
    assert.equal(microsOfAudio(90, undefined), undefined);
  });
});

describe("[L5] the cost of an image", () => {
  it("is its price and that of its tokens, as far as they are known", () => {
    assert.equal(microsOfImage(undefined, { image: 0.04 }), 40_000);
    assert.equal(microsOfImage(USED, { image: 0.04 }), 40_000);
    assert.equal(microsOfImage(USED, { image: 0.04, input: 2, output: 10 }), 42_100);
    assert.equal(microsOfImage(USED, { input: 2, output: 10 }), 2_100);
    assert.equal(microsOfImage(undefined, { input: 2, output: 10 }), undefined);
    assert.equal(microsOfImage(USED, undefined), undefined);
  });
});
