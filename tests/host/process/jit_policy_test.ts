import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJitPolicy, endStart } from "../../../src/host/process/engine_options.ts";

function end(turns: number, runtime?: unknown, steps = 0): void {
  const policy = createJitPolicy(runtime);
  for (let turn = 0; turn < turns; turn++) policy.turn(steps);
}

describe("endStart()", () => {
  it("leaves a threshold above the usual one, for a bot that is not busy", () => {
    const scales: number[] = [];
    endStart({ unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } });
    assert.deepEqual(scales, [8]);
  });

  it("does nothing in a runtime without this policy", () => endStart({}));
});

describe("createJitPolicy()", () => {
  it("sets the usual number of calls before compiling once, after 500 turns", () => {
    const scales: number[] = [];
    const runtime = { unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } };
    end(499, runtime);
    assert.deepEqual(scales, []);
    end(1_500, runtime);
    assert.deepEqual(scales, [1]);
  });

  it("counts a tool step as a turn", () => {
    const scales: number[] = [];
    const runtime = { unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } };
    end(23, runtime, 20);
    assert.deepEqual(scales, []);
    end(24, runtime, 20);
    assert.deepEqual(scales, [1]);
  });

  it("does nothing in a runtime without this policy", () => {
    for (const runtime of [null, {}, { unsafe: {} }, { unsafe: null }]) end(500, runtime);
  });

  it("works in this runtime", () => end(500));
});
