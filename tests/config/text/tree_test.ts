import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readTree } from "../../../src/config/text/tree.ts";

/** The rest of a text with faults; `undefined` if the faults change where keys belong. */
function restOf(text: string) {
  const tree = readTree(text);
  assert.equal(tree.kind, "faults", text);
  return tree.kind === "faults" ? tree.rest : undefined;
}

describe("[C2] the rest of a text after a syntax error", () => {
  const kept: readonly (readonly [text: string, lost: readonly string[]])[] = [
    ['{ "a": { "x": 1,, "y": 2 }, "b": 3 }', []],
    ['{ "a": {, "x": 1, "y": 2 }, "b": 3 }', []],
    ['{ "a": { "x": 1, "y": 2, "c": }, "b": 3 }', ["a.c."]],
    ['{ "a": { "x": 1, "c" 5, "y": 2 }, "b": 3 }', ["a.c."]],
    ['{ "a": { "x": 1, 5: "}", "y": 2 }, "b": 3 }', ["a..", "a.."]],
    ['{ "a": { "x": 1 "y": 2 }, "b": 3 }', []],
    ['{ "a": { "x": 1, "c": = /* { */, "y": 2 }, "b": 3 }', ["a.c."]],
    ['{ "a": { "x": 1, "c": = { "d": 1, "e": 2 }, "y": 2 }, "b": 3 }', []],
  ];
  for (const [text, lost] of kept) {
    it(`keeps ${text}`, () => {
      const rest = restOf(text);
      assert.deepEqual(rest?.value["b"], 3);
      assert.deepEqual({ x: 1, y: 2, ...rest?.value["a"] as object, c: 0 }, { x: 1, y: 2, c: 0 });
      assert.deepEqual(rest?.lost.map((path) => path.join(".")), lost);
    });
  }

  const dropped = [
    '{ "a": { "x": 1, c: { "d": 1, "e": 2 }, "y": 2 }, "b": 3 }',
    '{ "a": { "x": 1, "b": 3 }',
    '{ "a": { "x": "1, "y": 2 }, "b": 3 }',
  ];
  for (const text of dropped) {
    it(`drops ${text}`, () => assert.equal(restOf(text), undefined));
  }

  it("is not looked for after more errors than are reported", () => {
    for (const slip of ["“”,", ",", "“,\n"]) { // each error would cost a read of the whole text
      assert.equal(restOf(`{ "a": 1, ${slip.repeat(50_000)} }`), undefined);
    }
  });
});
