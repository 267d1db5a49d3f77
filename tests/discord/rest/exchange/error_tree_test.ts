import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flattenErrors } from "../../../../src/discord/rest/exchange/rest_error.ts";

const says = (message: string) => ({ _errors: [{ code: "X", message }] });

describe("[D5] flattenErrors()", () => {
  const rows: readonly [name: string, tree: unknown, lines: readonly string[]][] = [
    ["a field", { content: says("Must be 2000 or fewer in length.") }, [
      "content: Must be 2000 or fewer in length",
    ]],
    ["a field within an array", { embeds: { 0: { title: says("Too long") } } }, [
      "embeds[0].title: Too long",
    ]],
    ["the whole request", says("Bad"), ["Bad"]],
    ["several", { a: { _errors: [{ message: "1" }, { message: "2" }] }, b: says("3") }, [
      "a: 1",
      "a: 2",
      "b: 3",
    ]],
    ["none", undefined, []],
    ["null", null, []],
    ["a text", "no tree", []],
    [
      "errors of another form",
      { a: { _errors: [null, 7, { message: 8 }] }, b: { _errors: {} } },
      [],
    ],
  ];
  for (const [name, tree, lines] of rows) {
    it(`reads ${name}`, () => assert.deepEqual(flattenErrors(tree), lines));
  }

  it("returns the first few of many errors", () => {
    const tree = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, says("Bad")]));
    assert.equal(flattenErrors(tree).length, 5);
  });

  it("stops in a tree that is too deep", () => {
    let tree: unknown = says("Deep");
    for (let depth = 0; depth < 10_000; depth++) tree = { a: tree };
    assert.deepEqual(flattenErrors(tree), []);
  });
});
