import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMarks } from "../../../src/render/markdown/code_region.ts";

describe("createMarks()", () => {
  const cases: readonly [before: string, code: string, may: boolean][] = [
    ["", "`**`", false],
    ["**a", "`b**`", true],
    ["**a** b", "`c**`", false],
    ["**a *b** c", "`*`", false],
    ["**a *b** c*", "`*`", true],
    ["\\**a", "`b**`", true],
    ["\\*\\*a", "`b**`", false],
    ["||a", "`b||`", true],
    ["~~a", "`b`", false],
    ["_a_b", "`_`", false],
  ];
  for (const [before, code, may] of cases) {
    it(`${before} ${code}: ${may}`, () => {
      const marks = createMarks();
      marks.read(before);
      assert.equal(marks.mayEndIn(code), may);
    });
  }
});
