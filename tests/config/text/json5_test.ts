import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Container, readJson5 } from "../../../src/config/text/json5.ts";

function rootOf(text: string): Container {
  const read = readJson5(text);
  assert.ok(read.kind === "document" && read.root.value.kind !== "scalar");
  return read.root.value;
}

describe("[C11] readJson5()", () => {
  const SCALARS: readonly (readonly [written: string, value: unknown, json: string])[] = [
    ["'it\\'s'", "it's", '"it\'s"'],
    ['"\\u0041"', "A", '"\\u0041"'],
    ["'a\\\nb'", "ab", '"ab"'],
    ["'\\x41\\v'", "A\v", '"A\\u000b"'],
    ["+5", 5, "5"],
    [".5", 0.5, "0.5"],
    ["5.", 5, "5"],
    ["0x1F", 31, "31"],
    ["1e3", 1000, "1e3"],
    ["123456789012345678", 123456789012345680, "123456789012345678"],
    ["Infinity", NaN, "null"],
    ["-NaN", NaN, "null"],
    ["null", null, "null"],
    ["true", true, "true"],
  ];
  for (const [written, value, json] of SCALARS) {
    it(`reads ${JSON.stringify(written)}`, () => {
      const part = rootOf(`[${written}]`).entries[0]?.value;
      assert.ok(part?.kind === "scalar");
      assert.deepEqual([part.value, part.text], [value, json]);
    });
  }

  it("gives each comment to what it stands at", () => {
    const root = rootOf(`{ // open
  // above
  a: /* between */ 1, // beside
  // above b

  b: 2 /* also beside */, /* before c */ c: 3,
  // below
}`);
    const words = (notes: readonly { text: string }[] = []) => notes.map(({ text }) => text);
    const [a, b, c] = root.entries;
    assert.deepEqual(words(root.opening), ["// open"]);
    assert.deepEqual([a?.before, a?.between, a?.after].map(words), [
      ["// above"],
      ["/* between */"],
      ["// beside"],
    ]);
    assert.deepEqual([b?.before, b?.after].map(words), [["// above b"], ["/* also beside */"]]);
    assert.deepEqual(words(c?.before), ["/* before c */"]);
    assert.deepEqual(words(root.closing), ["// below"]);
    assert.deepEqual([a?.line, b?.line, c?.line], [3, 6, 6]);
    assert.deepEqual([a?.hasGap, b?.hasGap], [false, true]);
  });

  const FAULTS: readonly (readonly [text: string, line: number, column: number])[] = [
    ["", 1, 1],
    ["{\n  a 1\n}", 2, 5],
    ["{ a: 1 } b", 1, 10],
    ["/* never", 1, 9],
  ];
  for (const [text, line, column] of FAULTS) {
    it(`says where ${JSON.stringify(text)} cannot be read`, () => {
      const read = readJson5(text);
      assert.ok(read.kind === "fault");
      assert.deepEqual([read.line, read.column], [line, column]);
      assert.doesNotMatch(read.message, /\(\d+:\d+\)|\.$/);
    });
  }

  it("[C2] does not end on what is too large or too deep", () => {
    assert.equal(readJson5(" ".repeat(2 ** 20 + 1)).kind, "fault");
    assert.equal(readJson5(`${"[".repeat(200_000)}${"]".repeat(200_000)}`).kind, "fault");
  });

  it("comes to an end where a text ends within an escape", () => {
    for (
      const text of [
        '"a\\',
        "'\\",
        "{ a: 'x\\",
        "[ 'a', \"b\\\\c\\",
        "\\",
        "{ \\",
        "'\\u00",
        "'\\x",
      ]
    ) {
      assert.equal(readJson5(text).kind, "fault", text);
    }
    assert.equal(readJson5("{} // C:\\").kind, "document");
  });
});
