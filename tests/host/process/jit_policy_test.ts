import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { useNormalJit } from "../../../src/host/process/jit_policy.ts";

describe("useNormalJit()", () => {
  it("sets the usual number of calls before compiling", () => {
    const scales: number[] = [];
    useNormalJit({ unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } });
    assert.deepEqual(scales, [1]);
  });

  it("does nothing in a runtime without this policy", () => {
    for (const runtime of [undefined, null, {}, { unsafe: {} }, { unsafe: null }]) {
      useNormalJit(runtime);
    }
  });

  it("works in this runtime", () => useNormalJit());
});
