import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { codeOf } from "../../src/lib/error_code.ts";

describe("codeOf()", () => {
  const things: readonly [what: string, thrown: unknown, code: string | undefined][] = [
    ["an error with a name", Object.assign(new Error("no"), { code: "EPERM" }), "EPERM"],
    ["one without", new Error("EPERM"), undefined],
    ["one with a number", Object.assign(new Error("no"), { code: 11 }), undefined],
    ["a cause, which is another error", new Error("no", { cause: { code: "EPERM" } }), undefined],
    ["words", "EPERM", undefined],
    ["null", null, undefined],
    ["nothing", undefined, undefined],
  ];
  for (const [what, thrown, code] of things) {
    it(`finds ${code ?? "none"} in ${what}`, () => assert.equal(codeOf(thrown), code));
  }

  it("finds the system's code for a missing file", () => {
    try {
      readFileSync("/nowhere/at all");
      assert.fail("there is such a file");
    } catch (error) {
      assert.equal(codeOf(error), "ENOENT");
    }
  });
});
