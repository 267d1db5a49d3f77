import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pairsOf, spanAt, spansNear } from "../../../src/render/markdown/code_fence.ts";
import type { TextRange } from "../../../src/lib/text/edits.ts";

const found = (text: string, longest = 2_000) => {
  const pairs = pairsOf(text);
  const spans = spansNear({ text, from: 0, to: text.length, longest, pairs });
  const shown = (some: readonly TextRange[]) =>
    some.map(({ start, end }) => text.slice(start, end));
  return { strict: shown(spans.strict), whole: shown(spans.whole), soft: shown(spans.soft) };
};

describe("[R2] spansNear() › links, mentions, code", () => {
  const cases: readonly [text: string, strict: readonly string[], whole: readonly string[]][] = [
    ["a https://e.org/x_(y)?z b", ["https://e.org/x_(y)?z"], ["https://e.org/x_(y)?z"]],
    ["a <https://e.org> b", ["<https://e.org>"], ["<https://e.org>"]],
    ["[a (b)](http://e.org/(x)) c", ["http://e.org/(x))"], ["[a (b)](http://e.org/(x))"]],
    ["[a [b] c](d) e", [], ["[a [b] c](d)"]],
    ["<@1> <@!2> <@&3> <#4>", ["<@1>", "<@!2>", "<@&3>", "<#4>"], [
      "<@1>",
      "<@!2>",
      "<@&3>",
      "<#4>",
    ]],
    ["<:a:1><a:b:2>", ["<:a:1>", "<a:b:2>"], ["<:a:1>", "<a:b:2>"]],
    ["<t:1> <t:-1:R> </a b:1> <id:home>", ["<t:1>", "<t:-1:R>", "</a b:1>", "<id:home>"], [
      "<t:1>",
      "<t:-1:R>",
      "</a b:1>",
      "<id:home>",
    ]],
    ["`a b` and ``c ``", [], ["`a b`", "``c ``"]],
    ["a < b > c [d] (e) `", [], []],
  ];
  for (const [text, strict, whole] of cases) {
    it(text, () => {
      const { strict: isStrict, whole: isWhole } = found(text);
      assert.deepEqual({ isStrict, isWhole }, { isStrict: strict, isWhole: whole });
    });
  }

  it("leaves out spans that are too long to keep whole", () => {
    assert.deepEqual(found("`aaaa` `b`", 5).whole, ["`b`"]);
  });
});

describe("[R2] spansNear() › emphasis", () => {
  const cases: readonly [text: string, soft: readonly string[]][] = [
    ["**a b** c", ["**a b**"]],
    ["*a b* _c d_ __e f__ ~~g h~~ ||i j||", ["*a b*", "_c d_", "__e f__", "~~g h~~", "||i j||"]],
    ["**a *b* c** d", ["**a *b* c**"]],
    ["***a b***", ["***a b***"]],
    ["**a\nb**", ["**a\nb**"]],
    ["**a\n\nb**", ["**a\n\nb**"]],
    ["*a\n\n* b\n\n* c", []],
    ["**a\n\n**b**", ["**b**"]],
    ["a * b * c", []],
    ["snake_case_name", []],
    ["\\*a b\\*", []],
    ["`**a` b**", []],
    ["**a b", []],
  ];
  for (const [text, soft] of cases) {
    it(JSON.stringify(text), () => assert.deepEqual(found(text).soft, soft));
  }
});

describe("[R2] spanAt()", () => {
  const spans = [{ start: 2, end: 5 }, { start: 5, end: 7 }];
  const cases = [[2, undefined], [3, 2], [4, 2], [5, undefined], [6, 5], [7, undefined]] as const;
  for (const [at, start] of cases) {
    it(`${at}`, () => assert.equal(spanAt(spans, at)?.start, start));
  }
});
