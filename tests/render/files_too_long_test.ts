import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChunkRules } from "../../src/render/markdown/chunk.ts";
import { tooLong, withLastLine } from "../../src/render/reply.ts";

const chunks: ChunkRules = { limit: 2_000, maxLines: 17, mode: "length", maxChunks: 12 };
const files = { maxFileBytes: 8_000_000, cleanSecrets: (text: string) => text };
const long = Array.from({ length: 400 }, (_, index) => `This is line ${index} of many.`).join("\n");
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe("[R6] tooLong()", () => {
  it("returns the beginning, a line that says so, and the whole answer as a file", () => {
    const { chunks: [content = ""], file } = tooLong(long, chunks, files);
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
    const { chunks: [content = ""] } = tooLong("```js\n" + long + "\n```", chunks, files);
    assert.match(content, /^```js\n[^]*\n```\n\n[^`]*`answer\.md`\.$/);
  });

  it("[R12] cuts a file that would be too large, and names both sizes", () => {
    const { chunks: [content = ""], file } = tooLong(long, chunks, {
      ...files,
      maxFileBytes: 5_000,
    });
    assert.match(content, /`answer\.md`/);
    assert.ok(file && file.bytes.length <= 5_000);
    const text = textOf(file.bytes);
    assert.match(
      text,
      /\n\n\[Cut here: the whole answer has 10\.\d kB, and a file may have at most 5 kB\.\]\n$/,
    );
    assert.ok(long.startsWith(text.slice(0, 4_500)));
  });

  it("[R12] names the answer's size if there is no room for a file", () => {
    for (const maxFileBytes of [0, 999]) {
      const { chunks: [content = ""], file } = tooLong(long, chunks, { ...files, maxFileBytes });
      assert.equal(file, undefined);
      assert.match(content, /^This is line 0/);
    }
  });

  it("[R12a] keeps the first messages if the place takes no files", () => {
    const text = "```js\n" + long + "\n```";
    const { chunks: parts, file } = tooLong(text, { ...chunks, maxChunks: 3 }, {
      ...files,
      takesNoFiles: true,
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
});

for (const limit of [2, 10, 20, 50, 200]) {
  it(`[R6] withLastLine() › keeps a limit of ${limit}`, () => {
    const content = withLastLine(long, "all of it is in a file", { ...chunks, limit });
    assert.ok(content.length > 0 && content.length <= limit, content);
  });
}
