import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readTyped } from "../../../src/config/text/path.ts";
import { anyValue } from "../jsonc_texts.ts";

const ID = "123456789012345678";

describe("[C10] readTyped()", () => {
  it("reads JSON, and nothing else", () => {
    fc.assert(fc.property(anyValue, (value) => {
      assert.deepEqual(readTyped(JSON.stringify(value)), { value });
    }));
    const none = ["", "x y", "[1", "{a:1}", "[1,]", "1 // one", "1}", '1, "b": 2', "01", "'a'"];
    for (const text of none) assert.equal(readTyped(text), undefined, text);
  });

  const IDS: readonly (readonly [typed: string, value: unknown])[] = [
    [ID, ID],
    [`[${ID}, "${ID}", 7]`, [ID, ID, 7]],
    [` { "a" : [ ${ID} ] } `, { a: [ID] }],
    [`{"${ID}":{"users":[${ID}]}}`, { [ID]: { users: [ID] } }],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["1e30", 1e30],
  ];
  for (const [typed, value] of IDS) {
    it(`[C3] rounds no id: ${typed}`, () => assert.deepEqual(readTyped(typed), { value }));
  }

  it("refuses repeated keys and keys that reach a prototype", () => {
    assert.equal(readTyped('{"users":["1"],"users":["*"]}'), undefined);
    assert.equal(readTyped('{"a":{"__proto__":1}}'), undefined);
  });
});
