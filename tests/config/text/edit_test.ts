import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  type Edited,
  readTree,
  type Segment,
  setAt,
  unsetAt,
} from "../../../src/config/text/edit.ts";
import { anyValue, commentsOf, type Json, placesOf, texts } from "../jsonc_texts.ts";
import { cases } from "../../support/long_form.ts";

function textOf(edited: Edited): string {
  assert.ok(edited.kind === "edited", edited.kind === "refused" ? edited.message : "");
  return edited.text;
}

function parsed(text: string): unknown {
  const tree = readTree(text);
  if (tree.kind === "faults") assert.fail(`${tree.faults[0]?.message} in ${JSON.stringify(text)}`);
  return tree.value;
}

/** The same edit on plain data. */
function withSet(value: Json, [segment, ...rest]: readonly Segment[], to: Json): Json {
  if (segment === undefined) return to;
  if (Array.isArray(value)) {
    const copy: Json[] = [...value];
    copy[Number(segment)] = withSet(copy[Number(segment)] ?? {}, rest, to);
    return copy;
  }
  const old = Object.getOwnPropertyDescriptor(value, segment)?.value ?? {};
  return { ...value as object, [segment]: withSet(old, rest, to) };
}

function withUnset(value: Json, [segment, ...rest]: readonly Segment[]): Json {
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, index) => index !== segment)
      : value.map((part, index) => index === segment ? withUnset(part, rest) : part);
  }
  return Object.fromEntries(
    Object.entries(value as object).filter(([key]) => rest.length > 0 || key !== segment)
      .map(([key, part]) => [key, key === segment ? withUnset(part, rest) : part]),
  );
}

/** Each comment exists at least as often; the order may differ if entries moved. */
function assertKept(before: string, after: string, edit: string): void {
  const there = commentsOf(after).toSorted();
  assert.deepEqual(there, commentsOf(before).toSorted(), `${edit}\n${before}\n=>\n${after}`);
}

const some = fc.record({ of: texts, pick: fc.nat(), to: anyValue });

describe("[C10] setAt()", () => {
  it("sets the value in any text", () => {
    fc.assert(
      fc.property(some, ({ of: { text, value }, pick, to }) => {
        const places = placesOf(value).filter((path) => path.length > 0);
        const path = places[pick % (places.length || 1)] ?? ["new"];
        const after = textOf(setAt(text, path, to));
        assert.deepEqual(parsed(after), withSet(value, path, to));
      }),
      { numRuns: cases(500, 20_000) },
    );
  });

  it("inserts missing entries, and keeps the others", () => {
    fc.assert(
      fc.property(some, ({ of: { text, value }, pick, to }) => {
        const hosts = placesOf(value).filter((path) => {
          const part = at(value, path);
          return typeof part === "object" && part !== null;
        });
        const host = hosts[pick % hosts.length] ?? [];
        const part = at(value, host);
        const path = [...host, ...(Array.isArray(part) ? [part.length] : ["new", "inner"])];
        const after = textOf(setAt(text, path, to));
        assert.deepEqual(parsed(after), withSet(value, path, to));
        assertKept(text, after, `add ${JSON.stringify(path)} ${JSON.stringify(to)}`);
      }),
      { numRuns: cases(500, 20_000) },
    );
  });

  it("changes nothing for an equal value", () => {
    fc.assert(
      fc.property(texts, fc.nat(), ({ text, value }, pick) => {
        const places = placesOf(value);
        const path = places[pick % places.length] ?? [];
        assert.equal(textOf(setAt(text, path, at(value, path) ?? null)), text);
      }),
    );
  });
});

it("[C10] unsetAt() › removes only the named entry", () => {
  fc.assert(
    fc.property(texts, fc.nat(), ({ text, value }, pick) => {
      const places = placesOf(value).filter((path) => path.length > 0);
      const path = places[pick % (places.length || 1)];
      if (!path) return;
      const after = textOf(unsetAt(text, path));
      assert.deepEqual(parsed(after), withUnset(value, path));
    }),
    { numRuns: cases(500, 20_000) },
  );
});

describe("[C10] the layout of an edited text", () => {
  const SET: readonly (readonly [string, string, readonly Segment[], Json, string])[] = [
    ["no text", "", ["log", "level"], "debug", '{\n  "log": {\n    "level": "debug"\n  }\n}\n'],
    ["an empty object", "{}\n", ["a"], 1, '{\n  "a": 1\n}\n'],
    [
      "a key after the last",
      '{\n  "a": 1 // one\n}\n',
      ["b"],
      2,
      '{\n  "a": 1, // one\n  "b": 2\n}\n',
    ],
    [
      "a key in lines with final commas",
      '{\n\t"a": 1,\n\t// more?\n}',
      ["b"],
      2,
      '{\n\t"a": 1,\n\t"b": 2,\n\t// more?\n}',
    ],
    ["a key in one line", '{ "a": 1 }', ["b"], { c: [1] }, '{ "a": 1, "b": { "c": [1] } }'],
    ["a key in one line without blanks", '{"a":1}', ["b"], 2, '{"a":1, "b": 2}'],
    ["a value", '{ "a" : 1 /* x */ , "b": 2 }', ["a"], 3, '{ "a" : 3 /* x */ , "b": 2 }'],
    [
      "an entry at the end",
      '{\r\n  "u": [\r\n    "1" // Ada\r\n  ]\r\n}',
      ["u", 1],
      "2",
      '{\r\n  "u": [\r\n    "1", // Ada\r\n    "2"\r\n  ]\r\n}',
    ],
    ["an entry in front", '{"u": [\n  // Bob\n  "2"\n]}', ["u"], ["1", "2"], '{"u": ["1", "2"]}'],
    ["a list without its middle", '{"u": [\n  "1", // a\n  "2", // b\n  "3" // c\n]}', ["u"], [
      "1",
      "3",
    ], '{"u": [\n  "1", // a\n  "3" // c\n]}'],
    ["a flag in place of an object", '{"a": { /* why */ "b": 1 }}', ["a"], true, '{"a": true}'],
  ];
  for (const [what, before, path, value, after] of SET) {
    it(`set: ${what}`, () => assert.equal(textOf(setAt(before, path, value)), after));
  }

  const UNSET:
    readonly (readonly [what: string, before: string, path: Segment[], after: string])[] = [
      ["a line", '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}', ["b"], '{\n  "a": 1,\n  "c": 3\n}'],
      ["the last line", '{\n  "a": 1, // x\n  "b": 2\n}', ["b"], '{\n  "a": 1, // x\n}'],
      ["the first of a line", '{ "a": 1, "b": 2 }', ["a"], '{ "b": 2 }'],
      ["the last of a line", '{"a": 1, "b": 2}', ["b"], '{"a": 1}'],
      ["the only entry", '{\n  "a": 1\n}', ["a"], "{\n}"],
      ["a block with comments", '{\n  "a": {\n    // why\n    "b": 1 // so\n  },\n  "c": 1\n}', [
        "a",
      ], '{\n  "c": 1\n}'],
      ["a missing key", '{ "a": 1 }', ["b", "c"], '{ "a": 1 }'],
    ];
  for (const [what, before, path, after] of UNSET) {
    it(`unset: ${what}`, () => assert.equal(textOf(unsetAt(before, path)), after));
  }

  const REFUSED: readonly (readonly [path: Segment[], why: RegExp])[] = [
    [["a", "b"], /^a is a number, and not an object$/],
    [["l", "x"], /^l is a list, and not an object$/],
    [["l", 3], /^l has 1 entries, and none at \[3\]$/],
    [["o", 0], /^o is an object, and not a list$/],
    [["new", 1], /new\[1\]: a new list begins with \[0\]/],
    [["__proto__"], /not allowed/],
    [["o", "__proto__", "x"], /./],
  ];
  for (const [path, why] of REFUSED) {
    it(`says why it cannot set ${JSON.stringify(path)}`, () => {
      const edited = setAt('{"a": 1, "l": [1], "o": {}}', path, 1);
      assert.match(edited.kind === "refused" ? edited.message : "", why);
    });
  }

  it("refuses a text that does not parse, and to remove the whole file", () => {
    assert.equal(setAt("{", ["a"], 1).kind, "refused");
    assert.equal(setAt('{"a":1,"a":2}', ["b"], 1).kind, "refused");
    assert.equal(unsetAt("{", ["a"]).kind, "refused");
    assert.equal(unsetAt("{}", []).kind, "refused");
  });
});

function at(value: Json, path: readonly Segment[]): Json | undefined {
  let part: Json | undefined = value;
  for (const segment of path) {
    part = Object.getOwnPropertyDescriptor(part ?? {}, segment)?.value;
  }
  return part;
}
