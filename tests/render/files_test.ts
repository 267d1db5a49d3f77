import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { OutboundFile } from "../../src/core/outbound/outbound.ts";
import { ONE_MESSAGE } from "../../src/render/markdown/chunk.ts";
import { checkFiles, type TextRules, withoutFiles } from "../../src/render/reply.ts";
import { sameData } from "../support/same_data.ts";
import { outboundMessage } from "../support/discord/builders.ts";

const rules: TextRules = {
  chunks: ONE_MESSAGE,
  tables: "code",
  maxFileBytes: 1_000,
  cleanSecrets: (text: string) => text.replaceAll("hunter2", "[redacted]"),
};
const file = (name: string, text: string, fields: Partial<OutboundFile> = {}): OutboundFile => ({
  name,
  bytes: new TextEncoder().encode(text),
  ...fields,
});
const check = (...files: readonly OutboundFile[]) => checkFiles(files, rules);
const textOf = (checked: ReturnType<typeof check>) =>
  checked.files.map(({ bytes }) => new TextDecoder().decode(bytes));

describe("[R12] checkFiles()", () => {
  it("[R12a] attaches no file in a place that takes none, and says so", () => {
    const { files, notes } = checkFiles([file("a.txt", "hello")], { ...rules, takesNoFiles: true });
    assert.deepEqual(files, []);
    assert.deepEqual(notes, ["`a.txt` is not attached, because Discord doesn't accept it here."]);
  });

  it("leaves files unchanged and in order", () => {
    const files = [file("b.txt", "b", { alt: "a", contentType: "text/plain" }), file("a", "a")];
    sameData(checkFiles(files, rules), { files, notes: [] });
  });

  it("names a file that is too large, with both sizes", () => {
    const { files, notes } = check(
      file("big.bin", "x".repeat(1_001)),
      file("a", "x".repeat(1_000)),
    );
    assert.deepEqual(files.map(({ name }) => name), ["a"]);
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? "", /`big\.bin`.* 1 kB.* 1 kB/);
  });

  it("cuts an alternative text to Discord's limit", () => {
    const [long, blank] =
      check(file("a", "", { alt: "x".repeat(1_023) + "😀" }), file("b", "", { alt: " " }))
        .files;
    assert.equal(long?.alt, "x".repeat(1_023));
    assert.equal(blank?.alt, undefined);
  });

  it("reduces a name to one line without a path", () => {
    const names = check(file("../a/b\n`c`.txt", ""), file(" ", ""), file("x".repeat(300), "")).files
      .map(({ name }) => name);
    assert.deepEqual(names, [".._a_b_c_.txt", "file", "x".repeat(200)]);
  });
});

describe("[SEC-R10] checkFiles()", () => {
  it("removes secrets from texts, names and alternative texts", () => {
    const checked = check(file("hunter2.txt", "it is hunter2", { alt: "hunter2" }));
    assert.deepEqual(textOf(checked), ["it is [redacted]"]);
    assert.deepEqual(checked.files[0]?.name, "[redacted].txt");
    assert.deepEqual(checked.files[0]?.alt, "[redacted]");
  });

  it("withholds a binary file that contains a secret", () => {
    const bytes = Uint8Array.from([0xff, 0xfe, 0x80, ...Buffer.from("hunter2")]);
    const { files, notes } = check(file("a.png", "", { bytes }));
    assert.deepEqual(files, []);
    assert.deepEqual(notes, ["`a.png` is not attached, because it contains a secret."]);
  });

  it("leaves other binary files unchanged", () => {
    const bytes = Uint8Array.from([0xff, 0xfe, 0x80, 1, 2]);
    assert.equal(check(file("a.png", "", { bytes })).files[0]?.bytes, bytes);
  });

  it("keeps a byte order mark", () => {
    assert.deepEqual(textOf(check(file("a", "\ufeffhello"))), ["hello"]);
    assert.equal(check(file("a", "\ufeffx hunter2")).files[0]?.bytes[0], 0xef);
  });
});

const contentOf = (content: string, ...names: readonly string[]) =>
  withoutFiles(outboundMessage({ content }), names).content;

describe("[R12a] withoutFiles()", () => {
  it("adds a line for each file, and changes nothing else", () => {
    const message = outboundMessage({ content: "hello" });
    assert.deepEqual(withoutFiles(message, ["a.md"]), {
      ...message,
      content: "hello\n\n`a.md` is not attached, because Discord doesn't accept it here.",
    });
    assert.match(contentOf("hello", "a", "b"), /^hello\n\n`a` is not attached.*\n`b` is not/);
  });

  it("leaves no message empty", () => {
    assert.match(contentOf("", "a"), /^`a` is not attached/);
  });

  it("keeps Discord's limit", () => {
    const long = contentOf(
      "word ".repeat(399),
      ...Array.from({ length: 10 }, (_, at) => `file${at}`),
    );
    assert.ok(long.length <= 2_000 && long.includes("`file9`"));
    assert.ok(contentOf("", ...Array(10).fill("x".repeat(200))).length <= 2_000);
  });
});
