import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ParseError, parseTree } from "jsonc-parser";
import { MAX_DEPTH, scan } from "../../../src/config/text/scan.ts";
import { readTree } from "../../../src/config/text/tree.ts";
import { anyCharacter } from "../../support/any_character.ts";

/** The result of the JSONC parser. */
function parsed(text: string): { readonly value: unknown } | "faulty" {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (!root || errors.length > 0) return "faulty";
  let isOdd = false;
  const valueOf = (node: typeof root): unknown => {
    if (node.type === "array") return (node.children ?? []).map(valueOf);
    if (node.type !== "object") return node.value;
    const pairs = (node.children ?? []).map(({ children }) => children ?? []);
    const keys = pairs.map(([key]) => String(key?.value));
    isOdd ||= new Set(keys).size < keys.length || keys.includes("__proto__") ||
      pairs.some(([key]) => key?.length !== String(key?.value).length + 2); // an escape
    return Object.fromEntries(pairs.map(([key, value]) => [key?.value, value && valueOf(value)]));
  };
  const value = valueOf(root);
  return isOdd ? "faulty" : { value };
}

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"',
      "/",
      "*",
      "\\",
      "//",
      "/*",
      "*/",
      "\n",
      "\r\n",
      " ",
      "\t",
    ],
    ...[
      '"a"',
      '"b"',
      '"a":',
      '{"a":1}',
      "[1,]",
      "null",
      "true",
      "fals",
      "0",
      "01",
      "-",
      "1e5",
      "1.",
    ],
    ...['"__proto__"', '"\\u0061"', "\u00a0", "\u2028", "\ufeff", '"\t"', '"\\x"'],
  ),
  fc.string({ maxLength: 2, unit: anyCharacter }),
);
const VALID = '{"a": [1, {"b": null,}, "x"], // c\n "d": {"e": {}, /* f */ }, "g": true,}';

describe("[C1] [C2] scan()", () => {
  const edited = fc.array(fc.record({ at: fc.nat(VALID.length), drop: fc.nat(4), put: piece }), {
    maxLength: 4,
  }).map((edits) =>
    edits.reduce(
      (text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop),
      VALID,
    )
  );
  const made = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

  it("gives the parser's value or none, and always one without faults", () => {
    let values = 0;
    fc.assert(
      fc.property(fc.oneof(edited, made), (text) => {
        const { value } = scan(text);
        const other = parsed(text);
        if (value !== undefined) values += 1;
        assert.deepEqual(value === undefined ? "faulty" : { value }, other);
      }),
      { numRuns: 3_000, examples: [[VALID], ["{} /* no end"], ["[,]"], ['{"a":1,,}'], ["{,}"]] },
    );
    assert.ok(values > 300, `${values} texts had a value`);
  });

  it("leaves escaped keys to the parser, because V8 can confuse them", () => {
    JSON.parse('{ "p": 1, "\\\\": 2 }'); // from then on, V8 reads the next text with a key "\\"
    const text = '{ "p": 1, "\\"": 2 }';
    const tree = readTree(text);
    assert.ok(tree.kind === "tree");
    assert.deepEqual(tree.value, { p: 1, '"': 2 });
    assert.equal(scan(text).value, undefined);
  });

  it("finds comments", () => {
    const text = '{ // one\n "a": "// none", /* two */ }';
    assert.deepEqual(
      scan(text).comments.map(({ offset, length }) => text.slice(offset, offset + length)),
      ["// one", "/* two */"],
    );
  });

  it("stops at too deep nesting", () => {
    assert.equal(scan("[".repeat(MAX_DEPTH)).tooDeepAt, undefined);
    assert.equal(scan(" " + "[".repeat(1e6)).tooDeepAt, 1 + MAX_DEPTH);
    assert.equal(scan(`["${"[".repeat(99)}"]`).tooDeepAt, undefined);
  });
});
