import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { itemsAbove, openAt, pairsOf, quoteAt } from "../../../src/render/markdown/code_fence.ts";

/** A text that is cut at the `¦`. */
const cutAt = (marked: string) => {
  const text = marked.replace("¦", "");
  return { text, pairs: pairsOf(text), at: marked.indexOf("¦") };
};

describe("[R2] openAt()", () => {
  const cases: readonly [marked: string, open: readonly string[]][] = [
    ["a ||b ¦ c|| d", ["||"]],
    ["a ||b|| ¦ c", []],
    ["a ||b ¦ c", []],
    ["a `b ¦ c` d", ["`"]],
    ["a ``b ¦ c`` d", ["``"]],
    ["a `b ¦ c`` d", []],
    ["a `b ¦\nc` d", []],
    ["||a `b ¦ c` d||", ["||", "`"]],
    ["`||` a ¦ b || c", []],
    ["\\||a ¦ b||", []],
    ["**a ¦ b**", ["**"]],
    ["***a ¦ b***", ["**", "*"]],
    ["~~a __b ¦ c__ d~~", ["~~", "__"]],
    ["**a\n\n¦b**", ["**"]],
    ["||a\n\n¦b||", ["||"]],
  ];
  for (const [marked, open] of cases) {
    it(JSON.stringify(marked), () => {
      const { text, pairs, at } = cutAt(marked);
      assert.deepEqual(openAt(text, pairs, at), {
        closing: open,
        opening: open,
        end: at,
        next: at,
      });
    });
  }

  const ends: readonly [marked: string, end: number, next: number][] = [
    ["a || ¦b||", 2, 5],
    ["a ||b¦ || c", 5, 8],
    ["a ` ¦b`", 2, 4],
    ["a `b¦ ` c", 4, 6],
  ];
  for (const [marked, end, next] of ends) {
    it(`leaves no lone mark: ${marked}`, () => {
      const { text, pairs, at } = cutAt(marked);
      const cut = openAt(text, pairs, at);
      assert.deepEqual([cut.end, cut.next, cut.opening], [end, next, []]);
    });
  }
});

describe("[R2] itemsAbove()", () => {
  const cases: readonly [marked: string, items: string][] = [
    ["- a\n¦  - b", "- …\n"],
    ["- a\n¦- b", ""],
    ["1. a\n   - b\n     text\n¦      1. c", "1. …\n   - …\n"],
    ["- a\n  - b\n- c\n  - d\n¦  - e", "- …\n"],
    ["- a\n\ntext\n¦  - b", ""],
    ["text ¦and", ""],
    ["- a\n\t- b\n¦\t\t- c", "- …\n\t- …\n"],
    ["> - a\n> \n¦> \n>   - b", "> - …\n"],
    [`1. a\n${"   - b\n".repeat(2_000)}¦   - c`, "1. …\n"],
    ["\n¦  - a", ""],
  ];
  for (const [marked, items] of cases) {
    it(JSON.stringify(marked), () => {
      const { text, at } = cutAt(marked);
      assert.equal(itemsAbove(text, at, 100), items);
    });
  }
});

describe("[R2] quoteAt()", () => {
  const quote = (marked: string) => {
    const { text, at } = cutAt(marked);
    return quoteAt(text, 0, at, "");
  };
  const cases = [["> a ¦b", "> "], ["> > a ¦b", "> > "], ["> a\nb ¦c", ""], ["a\n> b ¦c", "> "]];
  for (const [marked = "", mark] of cases) {
    it(JSON.stringify(marked), () => assert.equal(quote(marked), mark));
  }

  it("keeps the mark of a line that was cut before", () => {
    assert.equal(quoteAt("> a b c", 4, 6, "> "), "> ");
  });

  it("drops a mark that would fill the message", () => {
    assert.equal(quote("> > > a ¦b"), "");
  });
});
