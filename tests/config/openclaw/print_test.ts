import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { printed } from "../../../src/config/openclaw/import.ts";
import { readOpenClaw } from "../../../src/config/openclaw/read.ts";
import { readTree } from "../../../src/config/text/tree.ts";
import { commentsOf, texts } from "../jsonc_texts.ts";

const comments = (text: string): readonly string[] =>
  commentsOf(text).map((comment) => comment.replace(/\r\n?/g, "\n").trimEnd()).toSorted();

describe("[C11] printed()", () => {
  it("writes the imported value with every comment", () => {
    fc.assert(
      fc.property(texts, ({ text, value }) => {
        const source = readOpenClaw(text);
        assert.ok(source.kind === "source", text);
        const written = printed(source.value, source.mark);
        const tree = readTree(written);
        assert.ok(tree.kind === "tree", `${text}\n=>\n${written}`);
        assert.deepEqual(tree.value, value, written);
        assert.deepEqual(comments(written), comments(text), `${text}\n=>\n${written}`);
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps a text longer than a line, and an empty object after a long key", () => {
    const long = "x".repeat(300);
    const value = { a: { prompt: long, [long]: {} } };
    assert.deepEqual(JSON.parse(printed(value)), value);
  });

  it("keeps short values without comments on one line", () => {
    assert.equal(
      printed({ a: { b: [1, "x"], c: {} } }),
      '{\n  "a": { "b": [1, "x"], "c": {} }\n}\n',
    );
  });
});
