import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJitPolicy } from "../../../src/host/process/jit_policy.ts";

function end(turns: number, runtime?: unknown): void {
  const policy = createJitPolicy(runtime);
  for (let turn = 0; turn < turns; turn++) policy.turn();
}

describe("createJitPolicy()", () => {
  it("sets the usual number of calls before compiling once, after 500 turns", () => {
    const scales: number[] = [];
    const runtime = { unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } };
    end(499, runtime);
    assert.deepEqual(scales, []);
    end(1_500, runtime);
    assert.deepEqual(scales, [1]);
  });

  it("does nothing in a runtime without this policy", () => {
    for (const runtime of [null, {}, { unsafe: {} }, { unsafe: null }]) end(500, runtime);
  });

  it("works in this runtime", () => end(500));
});
