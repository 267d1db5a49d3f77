import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chunk, type ChunkRules } from "../../../src/render/markdown/chunk.ts";
import { renderTables } from "../../../src/render/markdown/as_markdown.ts";
import { cases } from "../../support/long_form.ts";
import { documents, TOKENS } from "../../support/markdown.ts";
import { seeded } from "../../support/seeded.ts";

/**
 * Checks whether chunks, joined, give back a text, apart from white space and the marks of cuts.
 */

/** Text without white space and with fences of equal length: a closing fence may be longer. */
const bare = (text: string): string =>
  text.replace(/`{3,}/g, "```").replace(/~{3,}/g, "~~~").replace(/\s/g, "");

/** Marks of emphasis and spoilers; a cut adds some of them. */
const OPENING = Array.from({ length: 3 }, () => [/^(?:\*\*|__|~~|\|\|)/, /^[*_]/]).flat();
const CLOSING = Array.from({ length: 3 }, () => [/(?:\*\*|__|~~|\|\|)$/, /[*_]$/]).flat();

/** Marks that a cut may add before a chunk, in this order. */
const BEFORE = [
  /^>>> /,
  ...OPENING,
  /^[ \t>]*(?:`{3,}|~{3,})[^\n]*\n/,
  /^[ >]*\| [^\n]*\|\n[ >]*\|[ :|-]+\|\n/, // the head of a table
  /^(?:> ){1,2}/,
  ...OPENING,
  /^`{1,2}(?!`)/,
  /^(?: *(?:[-*+]|\d{1,9}[.)]) …\n)+/, // items above a nested one
];
/** Marks that a cut may add after a chunk, from the end. A closing fence may have an indentation. */
const BEHIND = [
  ...CLOSING,
  /[ \t>]+(?=(?:`{3,}|~{3,})$)/,
  /\n[ \t>]*(?:`{3,}|~{3,})$/,
  /(?<!`)`{1,2}$/,
];

/** All texts that a chunk may have been before a cut added marks. */
function withoutMarks(chunk: string): ReadonlySet<string> {
  let all = new Set([chunk]);
  for (const mark of [...BEFORE, ...BEHIND]) {
    all = new Set([...all].flatMap((text) => [text, text.replace(mark, "")]));
  }
  return new Set([...all].map(bare));
}

/** Whether the chunks, joined, give back the text (R2). */
function givesBack(chunks: readonly string[], text: string): boolean {
  const whole = bare(text);
  let reached = new Set([0]);
  for (const chunk of chunks) {
    const next = new Set<number>();
    for (const rest of withoutMarks(chunk)) {
      for (const at of reached) if (whole.startsWith(rest, at)) next.add(at + rest.length);
    }
    reached = next;
  }
  return reached.has(whole.length);
}

const anyRules: fc.Arbitrary<ChunkRules> = fc.record({
  limit: fc.integer({ min: 160, max: 400 }),
  maxLines: fc.integer({ min: 3, max: 20 }),
  mode: fc.constantFrom("length", "newline"),
  maxChunks: fc.constantFrom(2, 1_000),
});
const RUNS = { numRuns: cases(150, 4_000) };
const STRINGS = cases(6_000, 1_000_000);

/** The parts of a chunk in code blocks, and those between. */
function sides(content: string): { readonly code: string; readonly words: string } {
  const parts = content.split(/^[ >|]*`{3,}.*$/m);
  return {
    code: parts.filter((_, index) => index % 2 === 1).join("\n"),
    words: parts.filter((_, index) => index % 2 === 0).join("\n"),
  };
}

describe("[R2] chunk() › laws of documents", () => {
  const law = (
    title: string,
    holds: (chunks: readonly string[], text: string, rules: ChunkRules) => void,
  ) =>
    it(title, () => {
      fc.assert(
        fc.property(documents, anyRules, (text, rules) => {
          holds(chunk(text, rules), text, rules);
        }),
        RUNS,
      );
    });

  law("keeps to the limits, and no chunk is blank", (chunks, _text, { limit, maxLines }) => {
    for (const one of chunks) {
      assert.ok(one.length <= limit, `${one.length} of ${limit}: ${one}`);
      assert.ok(one.split("\n").length <= maxLines, `${maxLines} lines: ${one}`);
      assert.notEqual(one.trim(), "");
      assert.ok(one.isWellFormed());
    }
  });

  law("joined, the chunks are the text but for added marks", (chunks, text) => {
    assert.ok(givesBack(chunks, text), JSON.stringify(chunks, undefined, 1));
  });

  law("code stays in code, and words out of it", (chunks) => {
    for (const one of chunks) {
      const { code, words } = sides(one);
      assert.doesNotMatch(words, /code\d/, one);
      assert.doesNotMatch(code, /said\d|hidden\d|quoted\d/, one);
    }
  });

  law("quoted text stays quoted", (chunks) => {
    for (const one of chunks) {
      const [lines = "", ...rest] = one.split(/^>>> /m);
      for (const line of lines.split("\n")) {
        if (line.includes("quoted")) assert.match(line, /^> /, one);
      }
      for (const block of rest) assert.doesNotMatch(block, /said\d|hidden\d|code\d/, one);
    }
  });

  law("hidden text stays hidden", (chunks) => {
    for (const one of chunks) {
      const shown = one.split("||").filter((_, index) => index % 2 === 0).join(" ");
      assert.doesNotMatch(shown, /hidden\d/, one);
    }
  });

  law("no link, no mention and no character is broken", (chunks, text) => {
    const joined = chunks.join("\u0000");
    for (const token of TOKENS) {
      assert.equal(joined.split(token).length, text.split(token).length, token);
    }
  });

  law("no heading ends a message before the last", (chunks) => {
    for (const one of chunks.slice(0, -1)) {
      const last = one.split("\n").findLast((line) => line.trim() !== "") ?? "";
      if (one.split("\n").some((line) => line.trim() !== "" && !/^#{1,3} /.test(line))) {
        assert.doesNotMatch(last, /^#{1,3} /, one);
      }
    }
  });

  it("the first chunks are those of the whole text", () => {
    fc.assert(
      fc.property(documents, anyRules, fc.integer({ min: 1, max: 5 }), (text, rules, most) => {
        const all = chunk(text, { ...rules, maxChunks: 1_000 });
        assert.deepEqual(chunk(text, { ...rules, maxChunks: 1_000 }, most), all.slice(0, most));
      }),
      RUNS,
    );
  });

  it("returns one chunk more than requested if there are too many", () => {
    fc.assert(
      fc.property(documents, anyRules, fc.integer({ min: 1, max: 5 }), (text, rules, most) => {
        const limited = { ...rules, maxChunks: most };
        const isTooLong = chunk(text, limited).length > most;
        assert.equal(chunk(text, limited, most + 1).length > most, isTooLong);
      }),
      RUNS,
    );
  });

  it("keeps tables in code whole", () => {
    fc.assert(
      fc.property(documents, anyRules, (text, rules) => {
        const shown = renderTables(text, "code");
        assert.ok(givesBack(chunk(shown, rules), shown));
      }),
      RUNS,
    );
  });
});

describe(`[R2] chunk() › ${STRINGS} random strings`, () => {
  // deno-fmt-ignore
  const PARTS = [
    "a", "bb ", "word ", "\n", "\n\n", "\r\n", " ", "\t", "`", "``", "```", "```js\n", "\n```\n",
    "~~~\n", "> ", "\n> ", "\n>>> ", "||", "**", "_", "- ", "\n- ", "\n  - ", "1. ", "# ", "\n## ",
    "https://e.org/(a)", "<@1234>", "[x](http://y)", "👩‍👩‍👧‍👦", "🇩🇪", "\u0301", "\u200d", "日本。",
    "한", "\ud83d", "\ude00", "\u0000", "|", "|-|\n", "\\", ":", ".", "\u00a0", "\u2028",
  ];

  it("keep the limit, return the whole text, and are never blank", () => {
    const { pick, upTo: below } = seeded(4);
    for (let run = 0; run < STRINGS; run += 1) {
      const text = Array.from({ length: below(60) }, () => pick(PARTS)).join("");
      const rules: ChunkRules = {
        limit: run % 2 === 0 ? 60 + below(60) : 2 + below(58),
        maxLines: 1 + below(9),
        mode: run % 3 === 0 ? "newline" : "length",
        maxChunks: 1 + below(9),
      };
      let chunks: readonly string[] = [];
      try {
        chunks = chunk(text, rules);
      } catch (e) {
        console.log(JSON.stringify({ text, rules }));
        throw e;
      }
      const wrong = [
        !chunks.every(({ length }) => length <= rules.limit) && "too long",
        !chunks.every((one) => one.trim() !== "") && "blank",
        text.isWellFormed() && !chunks.every((one) => one.isWellFormed()) && "half a character",
        run % 10 === 0 && !givesBack(chunks, text) && "not the text",
      ].filter((one) => one !== false);
      if (wrong.length > 0) {
        assert.fail(`${wrong.join()}: ${JSON.stringify({ text, rules, chunks }, undefined, 1)}`);
      }
    }
  });
});

describe("[R2] chunk() › nested lists", () => {
  /** The level of each item, by its number; items that a chunk repeats have none. */
  function levelsIn(text: string): ReadonlyMap<string, number> {
    const levels = new Map<string, number>();
    let open: readonly number[] = [];
    for (const line of text.split("\n").map((one) => one.replace(/^(?:> ?)*/, ""))) {
      const [, indent = "", words] = /^(\s*)(?:[-*]|\d+\.)\s+(.*)$/.exec(line) ?? [];
      const columns = indent.replaceAll("\t", "    ").length;
      if (words === undefined) open = /^\S/.test(line) ? [] : open;
      else open = [...open.filter((one) => one < columns), columns];
      const [id] = /id\d+/.exec(words ?? "") ?? [];
      if (id) levels.set(id, open.length);
    }
    return levels;
  }

  const item = fc.record({
    level: fc.integer({ min: 0, max: 3 }),
    words: fc.integer({ min: 1, max: 60 }),
    marks: fc.constantFrom("", "**"),
    rest: fc.constantFrom("", "\n@  more of it", "\n", "\n@  more\n"),
  });
  const list = fc.record({
    indent: fc.constantFrom("  ", "   ", "    ", "\t"),
    quote: fc.constantFrom("", "> "),
    mark: fc.constantFrom("-", "*", "1.", "- [ ]"),
    items: fc.array(item, { minLength: 10, maxLength: 60 }),
  }).map(({ indent, quote, mark, items }) => {
    let last = -1;
    return items.map(({ level, words, marks, rest }, at) => {
      const before = indent.repeat(last = Math.min(level, last + 1));
      const text = `${marks}${Array(words).fill("word").join(" ")}${marks}`;
      return `${before}${mark} id${at} ${text}${rest.replace("@", before)}`;
    }).join("\n").replace(/^/gm, quote);
  });

  it("keep the level of each item, which Discord takes from the items above", () => {
    fc.assert(
      fc.property(list, fc.constantFrom(500, 2_000), (text, limit) => {
        const levels = levelsIn(text);
        const rules = { limit, maxLines: 2_000, mode: "length", maxChunks: 1_000 } as const;
        for (const one of chunk(text, rules)) {
          for (const [id, level] of levelsIn(one.trimStart())) {
            assert.equal(level, levels.get(id), `${id} in ${one}`);
          }
        }
      }),
      RUNS,
    );
  });
});
