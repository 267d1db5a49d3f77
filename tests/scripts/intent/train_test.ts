import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { trainHead } from "../../../scripts/intent/train.ts";

describe("trainHead()", () => {
  it("[I2] finds the weights of a label that follows one feature", () => {
    const rows = Array.from({ length: 400 }, (_, at) => Float32Array.of(1, at % 2, at % 3));
    const labels = rows.map((row) => row[1] ?? 0);
    const [bias = 0, first = 0, second = 0] = trainHead({ rows, labels });
    assert.ok(bias < -1 && first > 2, `${bias} ${first}`);
    assert.ok(Math.abs(second) < 0.5, `${second}`);
    assert.deepEqual(trainHead({ rows, labels }), trainHead({ rows, labels }));
  });
});
