import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutFiles } from "../../src/render/files.ts";
import { outboundMessage } from "../support/discord/builders.ts";

const contentOf = (content: string, ...names: readonly string[]) =>
  withoutFiles(outboundMessage({ content }), names, { fileRefused: "no {file}" }).content;

describe("[R12a] withoutFiles()", () => {
  it("adds a line for each file, and changes nothing else", () => {
    const message = outboundMessage({ content: "hello" });
    assert.deepEqual(withoutFiles(message, ["a.md"], {}), {
      ...message,
      content: "hello\n\n`a.md` is not attached, because Discord doesn't accept it here.",
    });
    assert.equal(contentOf("hello", "a", "b"), "hello\n\nno a\nno b");
  });

  it("leaves no message empty", () => {
    assert.equal(contentOf("", "a"), "no a");
  });

  it("keeps Discord's limit", () => {
    const long = contentOf(
      "word ".repeat(399),
      ...Array.from({ length: 10 }, (_, at) => `file${at}`),
    );
    assert.ok(long.length <= 2_000 && long.endsWith("no file9"));
    assert.ok(contentOf("", ...Array(10).fill("x".repeat(200))).length <= 2_000);
  });
});
