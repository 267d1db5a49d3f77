import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeFences } from "../../../src/render/markdown/code_fence.ts";
import { itemEnd, lineBreaks, skipBlankLines } from "../../../src/render/markdown/chunk.ts";

const judged = (text: string) => {
  const fences = codeFences(text, 2_000);
  const { breaks, item } = lineBreaks({ text, fences, from: 0, to: text.length, fence: undefined });
  return { costs: breaks.map(({ cost }) => cost), item: item?.at };
};

describe("[R2] lineBreaks()", () => {
  const cases: readonly [name: string, text: string, costs: readonly number[]][] = [
    ["lines", "a\nb\nc", [1, 1]],
    ["paragraphs, with as many blank lines as there are", "a\n\nb\n \n\nc", [0, 0]],
    ["items", "- a\n- b\n1. c\n2) d", [1, 1, 1]],
    ["items in items, by depth", "- a\n  - b\n    - c\n- d", [2.2, 2.4, 1]],
    ["lines of an item", "- a\n  b\n\n  c", [3, 3]],
    ["indented lines that are in no list", "a\n  b", [1]],
    ["a heading", "# a\nb\n\n## c\n\nd", [4, 0, 4]],
    ["a bold line", "**a**\nb", [4]],
    ["a line with bold words", "**a** b\nc", [1]],
    ["what leads to a list", "a:\n\n- b", [2]],
    ["what leads to code", "a:\n```\nb\n```", [2]],
    ["before and behind a fence, and none in it", "a\n```\nb\n\nc\n```\nd", [0, 0]],
    ["a fence in an item", "- a\n  ```\n  b\n  ```\n- c", [3, 0]],
    ["items in a quote", "> - a\n>   - b\n> c", [2.2, 1]],
  ];
  for (const [name, text, costs] of cases) {
    it(name, () => assert.deepEqual(judged(text).costs, costs));
  }

  it("finds the start of the last item, unless the item has ended or a heading precedes it", () => {
    assert.equal(judged("a\n- b\n  c").item, 1);
    assert.equal(judged("a\n- b\nc").item, undefined);
    assert.equal(judged("# a\n- b").item, undefined);
    assert.equal(judged("- b").item, undefined);
  });

  it("rates the lines of a fence that may be cut", () => {
    const text = "```\na\n\nb\n```";
    const fences = codeFences(text, 2_000);
    const { breaks } = lineBreaks({ text, fences, from: 0, to: 8, fence: fences[0] });
    assert.deepEqual(breaks.map(({ at }) => at), [5, 6, 8]);
  });
});

describe("[R2] itemEnd()", () => {
  const cases: readonly [text: string, item: string][] = [
    ["- a\n- b", "- a"],
    ["- a\n  b\n\n  c\nd", "- a\n  b\n\n  c"],
    ["- a\n  - b", "- a"],
    ["- a\n    1. b", "- a"],
    ["> - a\n>   b\n> - c", "> - a\n>   b"],
  ];
  for (const [text, item] of cases) {
    it(JSON.stringify(text), () => assert.equal(text.slice(0, itemEnd(text, 0, 100)), item));
  }
});

describe("[R2] skipBlankLines()", () => {
  const cases = [["a\n \n\n  b", 1, 5], ["  b", 0, 0], ["a  \nb", 1, 4], ["a", 1, 1]] as const;
  for (const [text, at, next] of cases) {
    it(JSON.stringify(text), () => assert.equal(skipBlankLines(text, at), next));
  }
});
