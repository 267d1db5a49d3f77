import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChunkRules } from "../../src/render/markdown/chunk.ts";
import { type TextRules, tooLong } from "../../src/render/reply.ts";

const chunks: ChunkRules = { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 };
const rules: TextRules = {
  chunks,
  tables: "code",
  maxFileBytes: 8_000_000,
  cleanSecrets: (text: string) => text,
};
const long = Array.from({ length: 400 }, (_, index) => `This is line ${index} of many.`).join("\n");
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe("[R6] tooLong()", () => {
  it("returns the beginning, a line that says so, and the whole answer as a file", () => {
    const { chunks: [content = ""], file } = tooLong(long, rules);
    assert.match(content, /^This is line 0 of many\.\n[^]*\n\n.*`answer\.md`\.$/);
    assert.ok(content.length <= 2_000);
    assert.ok(content.split("\n").length <= 17);
    assert.deepEqual([file?.name, file?.contentType], [
      "answer.md",
      "text/markdown; charset=utf-8",
    ]);
    assert.equal(textOf(file?.bytes), long);
  });

  it("[R2] closes a fence before the line", () => {
    const { chunks: [content = ""] } = tooLong("```js\n" + long + "\n```", rules);
    assert.match(content, /^```js\n[^]*\n```\n\n[^`]*`answer\.md`\.$/);
  });

  for (const without of [{ takesNoFiles: true }, { maxFileBytes: 5_000 }] as const) {
    it(`[R12a] keeps the first messages if no file may go out: ${Object.keys(without)}`, () => {
      const { chunks: parts, file } = tooLong("```js\n" + long + "\n```", {
        ...rules,
        ...without,
        chunks: { ...chunks, maxChunks: 3 },
      });
      assert.equal(file, undefined);
      assert.equal(parts.length, 3);
      const last = parts.at(-1) ?? "";
      assert.match(last, /\n```\n\nThis is only the beginning\. The whole answer has 10\.\d kB/);
      for (const part of parts) {
        assert.ok(part.length <= 2_000 && part.split("\n").length <= 17, part);
        assert.match(part, /^```js\n[^]*\n```/);
      }
    });
  }

  for (const limit of [100, 130, 200]) {
    it(`[R1] keeps a limit of ${limit}`, () => {
      const { chunks: parts } = tooLong(long, { ...rules, chunks: { ...chunks, limit } });
      assert.ok(parts.every(({ length }) => length > 0 && length <= limit));
    });
  }
});
