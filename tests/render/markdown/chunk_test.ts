import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chunk, type ChunkRules } from "../../../src/render/markdown/chunk.ts";
import { cases } from "../../support/long_form.ts";

const rules = (fields: Partial<ChunkRules> = {}): ChunkRules => ({
  limit: 2_000,
  maxLines: 17,
  mode: "length",
  maxChunks: 12,
  ...fields,
});
const cut = (text: string, fields: Partial<ChunkRules> = {}) => chunk(text, rules(fields));
const lines = (count: number, word = "line") =>
  Array.from({ length: count }, (_, index) => `${word} ${index + 1}`).join("\n");

describe("[R1] chunk() › limits", () => {
  it("leaves a text that fits unchanged", () => {
    assert.deepEqual(cut("hello\n\nworld"), ["hello\n\nworld"]);
  });

  it("returns no chunk for a blank text", () => {
    for (const blank of ["", " ", "\n\n \t\r\n"]) assert.deepEqual(cut(blank), []);
  });

  it("counts UTF-16 units, as Discord does", () => {
    assert.deepEqual(cut("a".repeat(4_001)).map(({ length }) => length), [2_000, 2_000, 1]);
    assert.deepEqual(cut("😀".repeat(1_001)).map(({ length }) => length), [2_000, 2]);
  });

  it("counts lines", () => {
    const chunks = cut(lines(35));
    assert.deepEqual(chunks.map((one) => one.split("\n").length), [17, 17, 1]);
  });

  it("counts the fence lines that it adds", () => {
    const chunks = cut("```ts\n" + lines(20, "const") + "\n```");
    assert.deepEqual(chunks.map((one) => one.split("\n").length), [17, 7]);
  });

  const refused: readonly [fields: Partial<ChunkRules>, why: RegExp][] = [
    [{ limit: 2_001 }, /chunks of 2001: use a whole number from 2 to 2000/],
    [{ limit: 1 }, /chunks of 1:/],
    [{ limit: NaN }, /chunks of NaN:/],
    [{ maxLines: 0 }, /chunks of 0 lines/],
    [{ maxLines: 2.5 }, /chunks of 2.5 lines/],
  ];
  for (const [fields, why] of refused) {
    it(`refuses ${Object.entries(fields).join()}`, () => {
      assert.throws(
        () => cut("x", fields),
        (error) => error instanceof RangeError && why.test(error.message),
      );
    });
  }
});

describe("[R2] chunk() › place of the cut", () => {
  const cases: readonly [name: string, text: string, limit: number, chunks: readonly string[]][] = [
    ["paragraphs before lines", "one.\n\ntwo two\nthree", 17, ["one.\n\ntwo two", "three"]],
    ["a paragraph before a line", "one one one\n\ntwo\nthree", 20, ["one one one", "two\nthree"]],
    ["lines before sentences", "One, two and\nthree. Four five", 18, [
      "One, two and",
      "three. Four five",
    ]],
    ["before words", "One two three. Four five six", 20, ["One two three.", "Four five six"]],
    ["no number for a sentence", "first things 1. second", 18, ["first things 1.", "second"]],
    ["words before letters", "one two three", 8, ["one two", "three"]],
    ["letters if there is nothing else", "abcdefgh", 3, ["abc", "def", "gh"]],
    ["wide stops without spaces", "今日は。明日も。", 6, ["今日は。", "明日も。"]],
    ["an early space rather than a link", "see https://example.com/abcdef", 28, [
      "see",
      "https://example.com/abcdef",
    ]],
    ["an early space rather than a mention", "hi <@123456789012345678> you", 22, [
      "hi",
      "<@123456789012345678>",
      "you",
    ]],
    ["before a mention without a space", "aaaaaaaa<@12345>", 10, ["aaaaaaaa", "<@12345>"]],
    ["a link with its words whole", "go [to the page](https://e.org) now", 30, [
      "go",
      "[to the page](https://e.org)",
      "now",
    ]],
    ["a link that is too long", "https://example.com/abc", 10, ["https://ex", "ample.com/", "abc"]],
    ["a code span whole", "please run `a b c d e` twice", 18, ["please run", "`a b c d e` twice"]],
    ["no-break spaces not at all", "one two\u00a0three", 10, ["one", "two\u00a0three"]],
    ["drops white space at cuts", "one  \n\n \n  two", 6, ["one", "  two"]],
    ["keeps indentation", "- a\n  - b\n  - c", 10, ["- a\n  - b", "  - c"]],
    ["carriage returns", "one\r\ntwo\r\nthree", 9, ["one\r\ntwo", "three"]],
  ];
  for (const [name, text, limit, chunks] of cases) {
    it(name, () => assert.deepEqual(cut(text, { limit }), chunks));
  }
});

describe("[R2] chunk() › code fences", () => {
  const cases: readonly [string, string, Partial<ChunkRules>, readonly string[]][] = [
    ["are closed, and opened with their language", "```js\na\nb\n```", { maxLines: 3 }, [
      "```js\na\n```",
      "```js\nb\n```",
    ]],
    ["keep white space of code", "```py\nif a:\n  b\n\n  c\n```", { maxLines: 4 }, [
      "```py\nif a:\n  b\n```",
      "```py\n\n  c\n```",
    ]],
    ["need room", `${lines(16)}\n\`\`\`js\none\n\`\`\``, {}, [lines(16), "```js\none\n```"]],
    ["keep a long language", '```ts title="a"\n1\n2\n```', { limit: 40, maxLines: 3 }, [
      '```ts title="a"\n1\n```',
      '```ts title="a"\n2\n```',
    ]],
    ["lose a language that leaves no room", "```" + "x".repeat(30) + "\nab\n```", { limit: 30 }, [
      "```" + "x".repeat(23) + "\n```",
      "```\n" + "x".repeat(7) + "\nab\n```",
    ]],
    [
      "with the head of a table",
      "```\n| a   | b   |\n| --- | --- |\n| 1   | 2   |\n| 3   | 4   |\n```",
      { maxLines: 5 },
      [
        "```\n| a   | b   |\n| --- | --- |\n| 1   | 2   |\n```",
        "```\n| a   | b   |\n| --- | --- |\n| 3   | 4   |\n```",
      ],
    ],
    ["of tildes", "~~~\na\nb\n~~~", { maxLines: 3 }, ["~~~\na\n~~~", "~~~\nb\n~~~"]],
    ["in a list", "1. x\n   ```js\n   a\n   b\n   ```", { maxLines: 4 }, [
      "1. x\n   ```js\n   a\n   ```",
      "   ```js\n   b\n   ```",
    ]],
    ["in a quote", "> ```\n> a\n> b\n> ```", { maxLines: 3 }, [
      "> ```\n> a\n> ```",
      "> ```\n> b\n> ```",
    ]],
    ["behind words", "So: ```js\na\nb\nc```\nend", { maxLines: 3 }, [
      "So: ```js\na\n```",
      "```js\nb\nc```",
      "end",
    ]],
    ["that never end", "```js\na\nb", { maxLines: 3 }, ["```js\na\n```", "```js\nb\n```"]],
    ["that never end, uncut", "```js\na", {}, ["```js\na\n```"]],
    ["longer ones around shorter ones", "````md\n```js\na\n```\n````", { maxLines: 4 }, [
      "````md\n```js\na\n````",
      "````md\n```\n````",
    ]],
    ["never empty, where code begins with a blank line", "x\n```js\n\na\n```", { maxLines: 3 }, [
      "x",
      "```js\na\n```",
    ]],
    ["but not three characters behind words", "write ``` to begin\nand go on", { limit: 20 }, [
      "write ``` to begin",
      "and go on",
    ]],
    ["nor an opening without code", "text\n```", {}, ["text\n```"]],
    ["with a long line, cut between words", "```\naaaa bbbb cccc\n```", { limit: 19 }, [
      "```\naaaa bbbb \n```",
      "```\ncccc\n```",
    ]],
    ["in one line, behind a word", `${"x".repeat(24)}\`\`\`aaaa bbbb\`\`\` yy`, { limit: 36 }, [
      `${"x".repeat(24)}\`\`\`aaaa \n\`\`\``,
      "```\nbbbb``` yy",
    ]],
    ["but never within a marker", "```\naaaaaaaa" + "`".repeat(12), { limit: 20 }, [
      "```\naaaaaaaa\n```",
    ]],
    ["in a line", "x ```aaa bbb ccc``` y", { limit: 18 }, ["x ```aaa bbb \n```", "```\nccc``` y"]],
  ];
  for (const [name, text, fields, chunks] of cases) {
    it(name, () => assert.deepEqual(cut(text, fields), chunks));
  }

  it("keeps the code, line by line", () => {
    const code = Array.from({ length: 60 }, (_, line) => `${" ".repeat(line % 7)}x${line};`);
    const chunks = cut("```ts\n" + code.join("\n") + "\n```");
    const inner = chunks.map((one) => one.replace(/^```ts\n/, "").replace(/\n```$/, ""));
    assert.deepEqual(inner.join("\n").split("\n"), code);
  });
});

/** Words with numbers, so that a test can name the place of a cut. */
const said = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => `w${from + index}`).join(" ");

describe("[R2] chunk() › parts that should stay whole", () => {
  const cases: readonly [string, string, Partial<ChunkRules>, readonly string[]][] = [
    ["a list item that fits", `${said(6)}\n- ${said(14)}\n- b`, { limit: 60 }, [
      said(6),
      `- ${said(14)}\n- b`,
    ]],
    ["an item of several lines", "- a\n  b\n- c\n  d\n  e\n- f", { maxLines: 4 }, [
      "- a\n  b",
      "- c\n  d\n  e\n- f",
    ]],
    ["but no longer item", `a\n- ${said(20)}`, { limit: 60 }, [`a\n- ${said(16)}`, said(4, 17)]],
    ["items with those in them", "- a\n  - b\n  - c\n- d\n  - e\n  - f", { maxLines: 5 }, [
      "- a\n  - b\n  - c",
      "- d\n  - e\n  - f",
    ]],
    ["a heading and its text", `${said(10)}\n\n## Title\n\n${said(12, 11)}`, { limit: 60 }, [
      said(10),
      `## Title\n\n${said(12, 11)}`,
    ]],
    ["a bold line", `a\nb\n\n**Title**\nc\nd`, { maxLines: 4 }, ["a\nb", "**Title**\nc\nd"]],
    ["a heading", "a\nb\n## Code\n```\nc\n```", { maxLines: 4 }, ["a\nb", "## Code\n```\nc\n```"]],
    ["the words before a list", "a a a a\nb\nThese:\n- c\n- d", { maxLines: 3 }, [
      "a a a a\nb",
      "These:\n- c\n- d",
    ]],
    ["bold", `${said(10)} **${said(5, 11)}** x`, { limit: 50 }, [said(10), `**${said(5, 11)}** x`]],
    ["a link with brackets in it", `${said(10)} [a (b) c](https://e.org/x_(y)) z`, { limit: 60 }, [
      said(10),
      "[a (b) c](https://e.org/x_(y)) z",
    ]],
    ["no number becomes an item", "one two three four 5. six", { limit: 20 }, [
      "one two three",
      "four 5. six",
    ]],
    ["no minus becomes an item", "one two three four - five", { limit: 19 }, [
      "one two three",
      "four - five",
    ]],
    ["a space with a mark on it", "one two \u0301three", { limit: 10 }, ["one", "two \u0301three"]],
  ];
  for (const [name, text, fields, chunks] of cases) {
    it(name, () => assert.deepEqual(cut(text, fields), chunks));
  }
});

describe("[R2] chunk() › repeated marks", () => {
  const cases: readonly [string, string, Partial<ChunkRules>, readonly string[]][] = [
    ["a quoted line", `> ${said(20)}\nx`, { limit: 60 }, [`> ${said(17)}`, `> ${said(3, 18)}\nx`]],
    ["but not behind the line", `> ${said(16)}\nword word word`, { limit: 60 }, [
      `> ${said(16)}`,
      "word word word",
    ]],
    ["the mark of a quote to the end", ">>> a\nb\nc\nd", { maxLines: 2 }, [">>> a\nb", ">>> c\nd"]],
    ["in newline mode too", ">>> a\n\nb", { mode: "newline" }, [">>> a", ">>> b"]],
    ["with a fence in it", ">>> ```js\na\nb\n```", { maxLines: 3 }, [
      ">>> ```js\na\n```",
      ">>> ```js\nb\n```",
    ]],
    ["the marks of a spoiler", "||a\nb\nc|| d", { maxLines: 2 }, ["||a\nb||", "||c|| d"]],
    ["of bold across a blank line", "**a\n\nb** c", { maxLines: 2 }, ["**a**", "**b** c"]],
    ["of each other mark there", "*a __b ~~c\n\nd~~ e__ f*", { mode: "newline" }, [
      "*a __b ~~c~~__*",
      "*__~~d~~ e__ f*",
    ]],
    ["but not of items with stars", "* a\n\n* b\n\n* c", { maxLines: 2 }, ["* a", "* b", "* c"]],
    ["once, where only the last mark is left", "||a\nb\n|| c", { maxLines: 2 }, ["||a\nb||", "c"]],
    ["not where nothing is behind the mark", "a\nb ||\nc d|| e", { maxLines: 2 }, [
      "a\nb",
      "||\nc d|| e",
    ]],
    ["but not those of nothing", "a\n||b\nc", { maxLines: 2 }, ["a\n||b", "c"]],
    ["a spoiler with a fence in it", "||\n```js\na\nb\n```||", { maxLines: 4 }, [
      "||\n```js\na\n```||",
      "||```js\nb\n```||",
    ]],
    ["the marks of code too long for one", `\`${said(20)}\` x`, { limit: 60 }, [
      `\`${said(17)}\``,
      `\`${said(3, 18)}\` x`,
    ]],
    ["the mark of a quote in a fence", `> \`\`\`\n> ${said(20)}\n> \`\`\``, { limit: 60 }, [
      `> \`\`\`\n> ${said(14)}\n> \`\`\``,
      `> \`\`\`\n>  ${said(6, 15)}\n> \`\`\``,
    ]],
    ["bold", `**${said(20)}** x`, { limit: 60 }, [`**${said(14)}**`, `**${said(6, 15)}** x`]],
    ["marks in marks", `~~a ***${said(20)}***~~ x`, { limit: 66 }, [
      `~~a ***${said(14)}***~~`,
      `~~***${said(6, 15)}***~~ x`,
    ]],
    ["the level of a nested item", "- a\n  - b\n    1. c\n    2. d", { limit: 60, maxLines: 3 }, [
      "- a\n  - b\n    1. c",
      "- …\n  - …\n    2. d",
    ]],
    ["nothing, if there is no room", "||aaa bbb|| ccc", { limit: 8 }, ["||aaa", "bbb||", "ccc"]],
  ];
  for (const [name, text, fields, chunks] of cases) {
    it(name, () => assert.deepEqual(cut(text, fields), chunks));
  }
});

describe("[R6] chunk() › limited number", () => {
  it("cuts no more chunks than requested", () => {
    assert.deepEqual(chunk("a\nb\nc", rules({ maxLines: 1 }), 2), ["a", "b"]);
    assert.deepEqual(chunk("a\n\nb\n\nc", rules({ mode: "newline" }), 2), ["a", "b"]);
  });

  it("packs paragraphs in newline mode if there would be too many chunks", () => {
    const packed = rules({ mode: "newline", maxChunks: 2, maxLines: 3 });
    assert.deepEqual(chunk("a\n\nb\n\nc\n\nd", packed, 1), ["a\n\nb"]);
  });
});

describe("[R1] chunk() › newline mode", () => {
  const newline = (text: string, fields: Partial<ChunkRules> = {}) =>
    cut(text, { mode: "newline", ...fields });

  it("sends each paragraph, not each line, as a message", () => {
    assert.deepEqual(newline("one\ntwo\n\n \n\nthree"), ["one\ntwo", "three"]);
  });

  it("keeps a fence with blank lines whole", () => {
    assert.deepEqual(newline("a\n\n```\nb\n\nc\n```\n\nd"), ["a", "```\nb\n\nc\n```", "d"]);
  });

  it("packs paragraphs if there would be too many messages", () => {
    assert.deepEqual(newline("a\n\nb\n\nc", { maxChunks: 3 }), ["a", "b", "c"]);
    assert.deepEqual(newline("a\n\nb\n\nc", { maxChunks: 2 }), ["a\n\nb\n\nc"]);
  });
});

describe("[R2] laws of chunk()", () => {
  const limits = fc.integer({ min: 2, max: 60 });
  const mode = fc.constantFrom("length", "newline" as const);
  const anyRules = fc.record({ limit: limits, maxLines: fc.integer({ min: 1, max: 9 }), mode })
    .map(rules);
  const words = fc.array(fc.constantFrom("a", "bb.", "ccc", "日本。", "-", "#", "**x**"), {
    minLength: 1,
    maxLength: 12,
  })
    .map((parts) => parts.join(" "));
  const code = fc.array(fc.constantFrom("x = 1", "", "  y", "longlonglonglonglong()", "z"), {
    minLength: 1,
    maxLength: 9,
  })
    .map((parts) => "```js\n" + parts.join("\n") + "\n```");
  const markdown = fc.array(fc.oneof(words, code, words), { maxLength: 6 })
    .chain((blocks) =>
      fc.array(fc.constantFrom("\n", "\n\n", "\n \n\n"), {
        minLength: blocks.length,
        maxLength: blocks.length,
      })
        .map((gaps) => blocks.map((block, index) => block + gaps[index]).join(""))
    );
  const roomy = anyRules.map((one) => ({ ...one, limit: one.limit + 20 }));

  it("every fence is whole in its chunk, with its language", () => {
    fc.assert(
      fc.property(markdown, roomy, (text, one) => {
        for (const content of chunk(text, one)) {
          const markers = content.match(/```(?:js)?/g) ?? [];
          const expected = markers.map((_, index) => index % 2 === 0 ? "```js" : "```");
          assert.deepEqual(markers, expected, content);
          assert.equal(markers.length % 2, 0, content);
        }
      }),
      { numRuns: cases(500, 20_000) },
    );
  });

  it("keeps the line limit if no fence needs three lines", () => {
    fc.assert(
      fc.property(markdown, roomy, (text, one) => {
        for (const content of chunk(text, one)) {
          assert.ok(content.split("\n").length <= Math.max(3, one.maxLines), content);
        }
      }),
      { numRuns: cases(500, 20_000) },
    );
  });

  it("breaks no grapheme that fits", () => {
    const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
    const split = (text: string) => Array.from(segmenter.segment(text), ({ segment }) => segment);
    const characters = fc.array(
      fc.constantFrom("👩‍👩‍👧‍👦", "🇩🇪", "🇫🇷", "e\u0301\u0302", "👍🏽", "한", "a", "1️⃣"),
      { minLength: 1, maxLength: 60 },
    ).map((parts) => parts.join(""));
    fc.assert(
      fc.property(characters, fc.integer({ min: 12, max: 40 }), (text, limit) => {
        assert.deepEqual(cut(text, { limit }).flatMap(split), split(text));
      }),
      { numRuns: cases(500, 10_000) },
    );
  });

  it("breaks no link and no mention", () => {
    const token = fc.constantFrom(
      "https://example.org/a?b=c",
      "<https://e.org/x>",
      "<@123456789012345678>",
      "<@!12345678901234567>",
      "<@&12345678901234567>",
      "<#123456789012345678>",
      "<:blob:12345678901>",
      "<a:blob:12345678901>",
      "<t:1700000000:R>",
      "</play song:123456>",
      "<id:customize>",
    );
    const text = fc.array(
      fc.record({ token, before: fc.constantFrom("", " ", "aaaa", "x\n", "one two ", "(") }),
      { minLength: 1, maxLength: 12 },
    ).map((parts) => parts.map(({ token, before }) => `${before}${token} `));
    const count = (all: string, one: string) => all.split(one).length;
    fc.assert(
      fc.property(text, fc.integer({ min: 26, max: 60 }), (parts, limit) => {
        const whole = parts.join("");
        const chunks = cut(whole, { limit }).join("\u0000");
        for (const part of parts) {
          const one =
            /(?:<\/play song.*>|\S+)\s$/.exec(part.replace(/^.*(?=<|https)/s, ""))?.[0].trim() ??
              part;
          assert.equal(count(chunks, one), count(whole, one), one);
        }
      }),
      { numRuns: cases(500, 20_000) },
    );
  });
});

describe("[R2] chunk() › short limits", () => {
  const texts = [
    "```\nabc def ghi jkl mno pqr\n```",
    "a ```ts\nconst x = 1;\nlet y\n``` b",
    "> ```\n> abc def ghi\n> ```",
    "- a\n  ```js\n  foo()\n  bar()\n  ```",
  ];
  for (const text of texts) {
    it(`leaves no fence open: ${JSON.stringify(text)}`, () => {
      for (let limit = 16; limit <= 120; limit++) {
        for (const maxLines of [1, 3, 17]) {
          for (const one of cut(text, { limit, maxLines })) {
            assert.equal((one.match(/```/g) ?? []).length % 2, 0, `${limit}: ${one}`);
          }
        }
      }
    });
  }
});
