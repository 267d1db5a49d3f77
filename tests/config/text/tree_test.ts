import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_DEPTH, readTree } from "../../../src/config/text/edit.ts";

describe("[C1] [C2] readTree()", () => {
  it("finds comments", () => {
    const text = '{ // one\n "a": "// none", /* two */ }';
    const tree = readTree(text);
    assert.ok(tree.kind === "tree");
    assert.deepEqual(
      tree.comments.map(({ offset, length }) => text.slice(offset, offset + length)),
      ["// one", "/* two */"],
    );
  });

  it("stops at too deep nesting", () => {
    const deep = (depth: number) => readTree(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    assert.equal(deep(MAX_DEPTH - 1).kind, "tree");
    assert.equal(deep(MAX_DEPTH).kind, "faults");
    assert.equal(readTree(" " + "[".repeat(1e6)).kind, "faults");
    assert.equal(readTree(`{"a":"${"[".repeat(99)}"}`).kind, "tree");
  });
});
