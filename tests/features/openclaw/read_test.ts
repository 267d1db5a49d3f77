import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lineAt, readOpenClaw } from "../../../src/features/openclaw/read.ts";

function read(text: string) {
  const source = readOpenClaw(text);
  assert.ok(source.kind === "source", source.kind === "fault" ? source.why : "");
  return source;
}

describe("[C11] readOpenClaw()", () => {
  const SCALARS: readonly (readonly [written: string, value: unknown])[] = [
    ["0x1F", 31],
    ["123456789012345678", "123456789012345678"], // a number would be rounded
    ["+123456789012345678", "123456789012345678"],
    ["Infinity", NaN],
    ["-NaN", NaN],
    ["null", null],
    ["true", true],
  ];
  for (const [written, value] of SCALARS) {
    it(`reads ${JSON.stringify(written)}`, () => {
      assert.deepEqual(read(`{ a: ${written} }`).value["a"], value);
    });
  }

  it("gives each entry its line", () => {
    const { value } = read("{ // open\n  a: 1, // beside\n\n  b: 2, c: [3,\n4],\n}");
    assert.deepEqual(["a", "b", "c", "d"].map((key) => lineAt(value, key)), [2, 4, 4, 0]);
    assert.equal(lineAt(value["c"], 1), 5);
  });

  it("has a key like __proto__ as a key", () => {
    assert.deepEqual(Object.keys(read('{ "__proto__": { a: 1 } }').value), ["__proto__"]);
  });

  const FAULTS: readonly (readonly [text: string, offset: number])[] = [
    ["", 0],
    ["{\n  a 1\n}", 6],
    ["{ a: 1 } b", 9],
    ["/* never", 8],
  ];
  for (const [text, offset] of FAULTS) {
    it(`reports the fault in ${JSON.stringify(text)}`, () => {
      const source = readOpenClaw(text);
      assert.ok(source.kind === "fault");
      assert.equal(source.offset, offset);
      assert.doesNotMatch(source.why, /\(\d+:\d+\)|\.$/);
    });
  }

  it("[C2] refuses files that are too large or too deep", () => {
    assert.equal(readOpenClaw(" ".repeat(2 ** 20 + 1)).kind, "fault");
    assert.equal(readOpenClaw(`${"[".repeat(200_000)}${"]".repeat(200_000)}`).kind, "fault");
  });

  const UNENDED = [
    ...['"a\\', "'\\", "{ a: 'x\\", "[ 'a', \"b\\\\c\\", "\\", "{ \\", "'\\u00", "'\\x"],
  ];
  it("ends for a text that ends within an escape", () => {
    for (const text of UNENDED) assert.equal(readOpenClaw(text).kind, "fault", text);
    assert.equal(readOpenClaw("{} // C:\\").kind, "source");
  });
});
