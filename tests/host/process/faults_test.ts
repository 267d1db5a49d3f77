import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readFault } from "../../../src/host/process/crash_points.ts";

const SIMULATED = { DISCORD_API_URL: "http://127.0.0.1:1" };

describe("[G14] readFault()", () => {
  it("reads how long to block the main thread", () => {
    const env = { ...SIMULATED, BARNACLE_FAULT: "block_main:5000" };
    assert.deepEqual(readFault(env), { kind: "block_main", ms: 5_000 });
  });

  it("ignores the variable with the real Discord", () => {
    assert.equal(readFault({ BARNACLE_FAULT: "block_main:5000" }), undefined);
    assert.equal(readFault({ BARNACLE_FAULT: "block_main:5000", DISCORD_API_URL: "" }), undefined);
  });

  it("returns nothing without the variable", () => {
    assert.equal(readFault(SIMULATED), undefined);
    assert.equal(readFault({ ...SIMULATED, BARNACLE_FAULT: "" }), undefined);
  });

  const wrong = ["block_main", "block_main:0", "block_main:60001", "block_main:5s", "stall:5", "x"];
  for (const text of wrong) {
    it(`refuses ${text}`, () => {
      assert.throws(() => readFault({ ...SIMULATED, BARNACLE_FAULT: text }), SyntaxError);
    });
  }
});
