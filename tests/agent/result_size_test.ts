import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boundedResult, MAX_RESULT_CHARS } from "../../src/agent/toolbox.ts";

const SECRET = "hunter2-".repeat(8);
const clean = (text: string) => text.replaceAll(SECRET, "[secret]");

describe("[T1] boundedResult()", () => {
  it("keeps a result of the maximum size as it is", () => {
    const text = "x".repeat(MAX_RESULT_CHARS);
    assert.deepEqual(boundedResult(text, clean), { text, note: "" });
  });

  for (const more of [1, 30_000, 3_000_000]) {
    it(`cuts a result with ${more} characters too many, and says so`, () => {
      const all = MAX_RESULT_CHARS + more;
      const { text, note } = boundedResult("x".repeat(all), clean);
      assert.equal(text.length, MAX_RESULT_CHARS);
      assert.equal(
        note,
        `\n[This result had ${all} characters. Only the first ${MAX_RESULT_CHARS} were kept.]`,
      );
    });
  }

  it("[SEC-R9] leaves no part of a secret that the cut divides", () => {
    for (let from = 0; from <= SECRET.length; from++) {
      const before = "x".repeat(MAX_RESULT_CHARS - from);
      const { text } = boundedResult(before + SECRET + "y".repeat(50_000), clean);
      assert.ok(!text.includes("hunter2"), `${from}`);
    }
  });

  it("[SEC-R9] leaves no part of a secret if secrets before it were removed", () => {
    const secrets = SECRET.repeat(Math.ceil((MAX_RESULT_CHARS + 100_000) / SECRET.length));
    for (const shift of [0, 1, 13, 40]) {
      const { text } = boundedResult("x".repeat(shift) + secrets, clean);
      assert.ok(!text.includes("hunter2"), `${shift}`);
    }
  });

  it("cuts no surrogate pair", () => {
    const { text } = boundedResult("x" + "🦀".repeat(MAX_RESULT_CHARS), clean);
    assert.ok(text.isWellFormed());
  });
});
