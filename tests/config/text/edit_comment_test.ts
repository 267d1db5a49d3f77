import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Replacement, replaceWithComment } from "../../../src/config/text/edit.ts";
import { readTree, type Segment, valueAt } from "../../../src/config/text/tree.ts";
import { commentsOf, placesOf, texts } from "../jsonc_texts.ts";

function edited(text: string, path: readonly Segment[], to: Replacement, comment: string): string {
  const result = replaceWithComment(text, path, to, comment);
  assert.ok(result.kind === "edited", result.kind === "refused" ? result.message : "");
  return result.text;
}

describe("[P12] [C10] replaceWithComment()", () => {
  const CASES: readonly (readonly [
    what: string,
    before: string,
    path: readonly Segment[],
    to: Replacement,
    after: string,
  ])[] = [
    [
      "an entry in a line of its own",
      '{"u": [\n  "ada",\n  "b"\n]}',
      ["u", 0],
      { value: "1" },
      '{"u": [\n  "1", // Ada\n  "b"\n]}',
    ],
    [
      "the last entry",
      '{"u": [\n  "ada"\n]}',
      ["u", 0],
      { value: "1" },
      '{"u": [\n  "1" // Ada\n]}',
    ],
    [
      "an entry among others",
      '{"u": ["ada", "b"]}',
      ["u", 0],
      { value: "1" },
      '{"u": ["1" /* Ada */, "b"]}',
    ],
    [
      "an entry that has a comment",
      '{"u": [\n  "ada", // she\n  "b"\n]}',
      ["u", 0],
      { value: "1" },
      '{"u": [\n  "1" /* Ada */, // she\n  "b"\n]}',
    ],
    [
      "a key with a block",
      '{\n  "g": {\n    "a": 1\n  }\n}',
      ["g"],
      { key: "1" },
      '{\n  "1": { // Ada\n    "a": 1\n  }\n}',
    ],
    [
      "a key in one line",
      '{\n  "g": {},\n  "h": 1\n}',
      ["g"],
      { key: "1" },
      '{\n  "1": {}, // Ada\n  "h": 1\n}',
    ],
    ["a key among others", '{"g": {}, "h": 1}', ["g"], { key: "1" }, '{"1" /* Ada */: {}, "h": 1}'],
    [
      "a key of a block that has a comment",
      '{\r\n\t"g": { // it\r\n\t}\r\n}',
      ["g"],
      { key: "1" },
      '{\r\n\t"1" /* Ada */: { // it\r\n\t}\r\n}',
    ],
  ];
  for (const [what, before, path, to, after] of CASES) {
    it(`puts the name beside ${what}`, () => {
      assert.equal(edited(before, path, to, "Ada"), after);
    });
  }

  it("removes characters from a name that would end the comment or reverse its line", () => {
    const text = edited('{"u": ["a", "b"]}', ["u", 0], { value: "1" }, "*/ x\n\u202ey");
    assert.equal(text, '{"u": ["1" /* * / x y */, "b"]}');
  });

  it("never creates the same key twice", () => {
    const result = replaceWithComment('{"a": {}, "1": {}}', ["a"], { key: "1" }, "Ada");
    assert.deepEqual(result, { kind: "refused", message: 'a: the key "1" exists already' });
  });

  for (const path of [[], ["x"], ["a", "b", 0]]) {
    it(`reports that ${JSON.stringify(path)} does not exist`, () => {
      assert.equal(replaceWithComment('{"a": {"b": 1}}', path, { value: 1 }, "").kind, "refused");
    });
  }

  it("changes the one value or key, adds the one comment, and keeps all others", () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.string(), ({ text, value }, pick, name) => {
        const places = placesOf(value).filter((path) => path.length > 0);
        const path = places[pick % (places.length || 1)];
        if (!path) return;
        const isKey = typeof path.at(-1) === "string";
        const result = replaceWithComment(
          text,
          path,
          isKey ? { key: "new" } : { value: "1" },
          name,
        );
        if (result.kind === "refused") return; // a list or an object in a list
        const tree = readTree(result.text);
        assert.ok(tree.kind === "tree", result.text);
        const moved = isKey ? [...path.slice(0, -1), "new"] : path;
        assert.deepEqual(valueAt(tree.value, moved), isKey ? valueAt(value, path) : "1");
        const left = commentsOf(text).toSorted();
        for (const comment of commentsOf(result.text)) {
          const index = left.indexOf(comment);
          if (index >= 0) left.splice(index, 1);
        }
        assert.deepEqual(left, [], result.text);
      }),
      { numRuns: 1_000 },
    );
  });
});
