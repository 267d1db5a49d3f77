import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { displayWidth } from "../../../src/render/markdown/chunk.ts";
import {
  alignmentOf,
  asBullets,
  asCode,
  cellsOf,
  type MarkdownTable,
  rowOf,
} from "../../../src/render/markdown/as_markdown.ts";

const table = (fields: Partial<MarkdownTable>): MarkdownTable => ({
  prefix: "",
  head: ["Name", "Qty", "説明"],
  alignments: ["left", "right", "center"],
  rows: [["krill", "12", "小さい"], ["👩‍👩‍👧‍👦 🦐", "", "é"]],
  ...fields,
});

describe("[R5] asCode()", () => {
  it("aligns columns by their visible width", () => {
    assert.equal(
      asCode(table({})),
      [
        "```",
        "| Name  | Qty |  説明  |",
        "| ----- | --: | :----: |",
        "| krill |  12 | 小さい |",
        "| 👩‍👩‍👧‍👦 🦐 |     |   é    |",
        "```",
      ].join("\n"),
    );
  });

  it("gives all lines the same width", () => {
    const lines = asCode(table({}))?.split("\n").slice(1, -1) ?? [];
    assert.deepEqual(new Set(lines.map(displayWidth)).size, 1);
  });

  it("fills short rows", () => {
    assert.match(asCode(table({ rows: [["x"]] })) ?? "", /^\| x {4}\| {5}\| {6}\|$/m);
  });

  it("puts the mark of a quote before each line", () => {
    const lines = asCode(table({ prefix: "> " }))?.split("\n") ?? [];
    assert.ok(lines.length === 6 && lines.every((line) => line.startsWith("> ")));
  });

  it("allows at most 80 columns", () => {
    const wide = (width: number) => asCode(table({ head: ["a"], rows: [["x".repeat(width)]] }));
    assert.equal(wide(76)?.split("\n")[1]?.length, 80);
    assert.equal(wide(77), undefined);
  });
});

describe("[R5] asBullets()", () => {
  it("writes a line for each row, without empty cells", () => {
    assert.equal(
      asBullets(table({})),
      "- **Name**: krill · **Qty**: 12 · **説明**: 小さい\n- **Name**: 👩‍👩‍👧‍👦 🦐 · **説明**: é",
    );
  });

  it("writes a line for each cell if one row is long", () => {
    const long = "word ".repeat(20).trim();
    assert.equal(
      asBullets(table({ prefix: "> ", rows: [["a", "1"], [long, "2"]] })),
      `> - **Name**: a\n>   **Qty**: 1\n> - **Name**: ${long}\n>   **Qty**: 2`,
    );
  });

  it("keeps bold text bold, and a column without a name unnamed", () => {
    assert.equal(asBullets(table({ head: ["", "**B**"], rows: [["x", "y"]] })), "- x · **B**: y");
  });

  it("shows the head of a table without rows", () => {
    assert.equal(asBullets(table({ head: ["a", "b"], rows: [["", ""]] })), "**a** · **b**");
  });
});

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
    ["| a\tb |", 1, ["a b"]],
    ["|", 1, []],
  ];
  for (const [row, columns, cells] of cases) {
    it(`${row} in ${columns}`, () => assert.deepEqual(cellsOf(row, columns), cells));
  }
});

it("[R5] rowOf() › puts surplus cells into the last one", () => {
  assert.deepEqual(rowOf("| 1 | 2 | 3 |", 2), ["1", "2 | 3"]);
  assert.deepEqual(rowOf("| 1 |", 2), ["1"]);
});

describe("[R5] alignmentOf()", () => {
  const cases = [["---", "left"], [":--", "left"], ["--:", "right"], [":-:", "center"]] as const;
  for (const [cell, alignment] of cases) {
    it(cell, () => assert.equal(alignmentOf(cell), alignment));
  }
});
