import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alignmentOf, cellsOf, rowOf } from "../../../src/render/markdown/table_layout.ts";

describe("[R5] cellsOf()", () => {
  const cases: readonly [row: string, columns: number, cells: readonly string[]][] = [
    ["| a | b |", 0, ["a", "b"]],
    ["a | b", 2, ["a", "b"]],
    ["|a||b|", 3, ["a", "", "b"]],
    ["| a", 2, ["a"]],
    ["| a \\| b | c |", 2, ["a | b", "c"]],
    ["| `a | b` | c |", 2, ["`a | b`", "c"]],
    ["| ``a | b`` | c |", 2, ["``a | b``", "c"]],
    ["| ` | ` |", 2, ["`", "`"]],
    ["| 1 | 2 | 3 |", 2, ["1", "2", "3"]],
    ["| a<br>b<BR/>c |", 1, ["a / b / c"]],
    ["| a\tb |", 1, ["a b"]],
    ["|", 1, []],
  ];
  for (const [row, columns, cells] of cases) {
    it(`${row} in ${columns}`, () => assert.deepEqual(cellsOf(row, columns), cells));
  }
});

describe("[R5] rowOf()", () => {
  it("puts surplus cells into the last one", () => {
    assert.deepEqual(rowOf("| 1 | 2 | 3 |", 2), ["1", "2 | 3"]);
    assert.deepEqual(rowOf("| 1 |", 2), ["1"]);
  });
});

describe("[R5] alignmentOf()", () => {
  const cases = [["---", "left"], [":--", "left"], ["--:", "right"], [":-:", "center"]] as const;
  for (const [cell, alignment] of cases) {
    it(cell, () => assert.equal(alignmentOf(cell), alignment));
  }
});
