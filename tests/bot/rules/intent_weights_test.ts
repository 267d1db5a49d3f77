import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { intentWeightsIn } from "../../../src/bot/rules/intent_weights.ts";
import { SHIPPED_WEIGHTS } from "../../../src/policy/intent/weights.ts";
import shipped from "../../../src/policy/intent/weights.json" with { type: "json" };

describe("the weights in the data directory", () => {
  let folder = "";
  beforeEach(() => folder = mkdtempSync(join(tmpdir(), "barnacle-weights-")));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("[I2] are those of the program if there is no file", () => {
    assert.deepEqual(intentWeightsIn(folder), { weights: SHIPPED_WEIGHTS, problem: undefined });
  });

  it("[I2] are those of the owner's file if they fit", () => {
    const own = structuredClone(shipped);
    own.heads.directed.weights.bias = -50;
    writeFileSync(join(folder, "intent-weights.json"), JSON.stringify(own));
    const { weights, problem } = intentWeightsIn(folder);
    assert.equal(problem, undefined);
    assert.equal(new Map(weights.directed).get("bias"), -50);
  });

  it("[I2] are those of the program, with a problem, if the file does not fit", () => {
    const file = join(folder, "intent-weights.json");
    writeFileSync(file, JSON.stringify({ ...shipped, version: 2 }));
    const { weights, problem } = intentWeightsIn(folder);
    assert.equal(weights, SHIPPED_WEIGHTS);
    assert.match(problem ?? "", /intent-weights\.json: .*version is 2, not 1/);
    rmSync(file);
    mkdirSync(file);
    assert.match(intentWeightsIn(folder).problem ?? "", /cannot read .*intent-weights\.json/);
  });
});
