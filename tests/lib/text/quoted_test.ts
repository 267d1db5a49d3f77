import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  bounded,
  clip,
  endsOf,
  printable,
  quoted,
  safeJson,
  safeOutput,
  withoutControls,
  withoutSpoilers,
  wrapped,
} from "../../../src/lib/text/quoted.ts";
import { anyCharacter } from "../../support/any_character.ts";

describe("[C2] quoted()", () => {
  const texts: readonly [text: string, shown: string][] = [
    ["a b", '"a b"'],
    ['a"b', '"a\\"b"'],
    ["a\nb", '"a\\nb"'],
    ["a\u009bb", '"a\\u{9b}b"'],
    ["a\u202eb", '"a\\u{202e}b"'],
    ["x".repeat(61), `"${"x".repeat(59)}…"`],
    [`${"x".repeat(58)}😀xx`, `"${"x".repeat(58)}…"`],
  ];
  for (const [text, shown] of texts) {
    it(`shows ${JSON.stringify(text)} as ${shown}`, () => assert.equal(quoted(text), shown));
  }
});

describe("[C2] printable()", () => {
  it("removes cursor movements, and cuts nothing", () => {
    assert.equal(printable(`\u001b[2J${"x".repeat(99)}`), `\\u{1b}[2J${"x".repeat(99)}`);
  });
});

describe("[O10] safeOutput()", () => {
  const cases: readonly [text: string, shown: string][] = [
    [
      "\u001b[31m\u001b[1mred\u001b[22m\u001b[39m\tx\ny",
      "\u001b[31m\u001b[1mred\u001b[22m\u001b[39m\tx\ny",
    ],
    [
      "\u001b[1;31merror\u001b[0m \u001b[1;33mwarning \u001b[1;36mnote \u001b[90mdebug",
      "\u001b[1;31merror\u001b[0m \u001b[1;33mwarning \u001b[1;36mnote \u001b[90mdebug",
    ],
    ["\u001b[97;40m█\u001b[0m", "\u001b[97;40m█\u001b[0m"],
    ["one\r\ntwo\r", "one\r\ntwo\r"],
    ["one\rtwo", "one\\u{d}two"],
    ["\u001b[2J\u001b[8mhidden", "\\u{1b}[2J\\u{1b}[8mhidden"],
    ["\u001b]0;title\u0007", "\\u{1b}]0;title\\u{7}"],
    ["\u009b2J\u202egnp\u2066\u2028\u{e0041}", "\\u{9b}2J\\u{202e}gnp\\u{2066}\\u{2028}\\u{e0041}"],
  ];
  for (const [text, shown] of cases) {
    it(`writes ${JSON.stringify(text)}`, () => assert.equal(safeOutput(text), shown));
  }
});

describe("[O10] safeJson()", () => {
  it("escapes the rest that JSON does not, and stays the same data", () => {
    const data = { name: "\u001b[2J\u009b\u202e\u{e0041}\u2028😀" };
    const text = safeJson(JSON.stringify(data, null, 2));
    assert.deepEqual(JSON.parse(text), data);
    assert.doesNotMatch(text, /[^\P{C}\n]/u);
  });
});

describe("[X2] withoutControls()", () => {
  const cases: readonly [text: string, left: string][] = [
    ["", ""],
    ["a\0b", "ab"],
    ["\u001b[31mred\u0007", "[31mred"],
    ["\u007f\u0085\u009b", ""],
    ["a\tb\r\nc\n", "a\tb\r\nc\n"],
    ["Grüße 🐚 日本\u200d語", "Grüße 🐚 日本\u200d語"],
  ];
  for (const [text, left] of cases) {
    it(`${JSON.stringify(text)} is ${JSON.stringify(left)}`, () => {
      assert.equal(withoutControls(text), left);
    });
  }
});

describe("[H9] withoutSpoilers()", () => {
  const cases: readonly [what: string, text: string, left: string][] = [
    ["hides a spoiler", "It is ||the cook|| again", "It is (spoiler) again"],
    ["hides several, also over lines", "||a|| b ||c\nd||", "(spoiler) b (spoiler)"],
    ["keeps code", "`a || b || c` and ```\n||x||\n```", "`a || b || c` and ```\n||x||\n```"],
    ["keeps a single mark", "a || b", "a || b"],
    ["hides a spoiler around code", "||`x`||", "(spoiler)"],
  ];
  for (const [what, text, left] of cases) {
    it(what, () => assert.equal(withoutSpoilers(text), left));
  }
});

describe("[H1] clip()", () => {
  it("leaves a short text as it is", () => {
    assert.equal(clip("tides", 5), "tides");
  });

  it("keeps the beginning and the end of a long one", () => {
    assert.equal(clip("0123456789", 6), "0123\n[… 4 characters left out …]\n89");
  });

  it("never cuts a surrogate pair, and leaves out what the note says", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.integer({ min: 0, max: 40 }), (text, max) => {
      const clipped = clip(text, max);
      assert.ok(clipped.isWellFormed());
      const left = /\n\[… (\d+) characters left out …\]\n/.exec(clipped);
      if (text.length <= max) return assert.equal(clipped, text);
      assert.ok(left);
      assert.equal(clipped.length - left[0].length + Number(left[1]), text.length);
      assert.ok(clipped.length - left[0].length <= max + 1);
    }));
  });
});

describe("[SEC-R25] endsOf()", () => {
  it("changes nothing of what clip() makes of a text", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.nat({ max: 40 }), fc.nat({ max: 9 }), (text, max, less) => {
      const { text: ends, left } = endsOf(text, max + 3);
      const limit = Math.max(0, max - less);
      assert.ok(ends.length <= max + 3);
      if (left !== undefined) assert.equal(clip(ends, limit, left), clip(text, limit));
      else assert.equal(ends, text);
    }));
  });
});

describe("[H4] bounded()", () => {
  it("leaves a text that fits as it is, and marks one that does not", () => {
    assert.equal(bounded("barnacle", 8), "barnacle");
    assert.equal(bounded("barnacles", 8), "barnacl…");
    assert.equal(bounded("a😀b", 3), "a…");
  });

  it("never exceeds the maximum, nor splits a character", () => {
    fc.assert(fc.property(
      fc.string({ unit: anyCharacter }),
      fc.integer({ min: 1, max: 20 }),
      (text, max) => {
        const short = bounded(text, max);
        assert.ok(short.length <= max && short.isWellFormed());
      },
    ));
  });

  it("mends a text with half a character", () => {
    assert.equal(bounded("a\uD83D", 9).isWellFormed(), true);
  });
});

describe("[O10] wrapped()", () => {
  it("breaks lines between words, and never within one", () => {
    assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrapped("a veryverylongword b", 5), ["a", "veryverylongword", "b"]);
  });
});
