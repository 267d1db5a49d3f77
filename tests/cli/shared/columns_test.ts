import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inColumns } from "../../../src/cli/shared/columns.ts";

describe("inColumns()", () => {
  it("aligns cells by their width on the screen", () => {
    assert.deepEqual(inColumns([["a", "b"], ["日本", "c"], ["👍🏽", "d"]]), [
      "a     b",
      "日本  c",
      "👍🏽    d",
    ]);
  });

  it("cuts a wide cell between characters", () => {
    assert.deepEqual(inColumns([["日本語", "x"]], [5]), ["日本…  x"]);
    assert.deepEqual(inColumns([["日本語", "x"]], [4]), ["日…  x"]);
    assert.deepEqual(inColumns([["abcde", "x"]], [5]), ["abcde  x"]);
  });

  it("[X1] removes characters that move the cursor or reverse a line", () => {
    const [line = ""] = inColumns([["\u001b[2J\u202ea\n", "b"]]);
    assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
  });

  it("leaves no spaces at the end, and accepts rows of different lengths", () => {
    assert.deepEqual(inColumns([["a", ""], ["b"], []]), ["a", "b", ""]);
  });
});
