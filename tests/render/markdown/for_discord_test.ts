import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeRegions } from "../../../src/render/markdown/code_fence.ts";
import { forDiscord } from "../../../src/render/markdown/as_markdown.ts";
import { cases } from "../../support/long_form.ts";
import { seeded } from "../../support/seeded.ts";

/**
 * Reads Markdown as Discord's clients do (R2a), for tests: rule after rule from left to right, and the
 * text within a mark by itself.
 */

/** Kinds of text around a character: `code`, `**`, `||`, `>`, `#`, … */
type Around = readonly string[];

interface Rule {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Whether it counts only at the start of a line. */
  readonly startsLine?: true;
}

/** The first group is the text within, which is read by itself; without one, there is none. */
const RULES: readonly Rule[] = [
  { kind: "escape", pattern: /\\[^0-9A-Za-z\s]/y },
  { kind: ">", pattern: / *>>> +([^]*)/y, startsLine: true },
  { kind: ">", pattern: /((?: *>(?!>>) +[^\n]*(?:\n|$))+)/y, startsLine: true },
  { kind: "#", pattern: / *#{1,3} +([^\n]+)/y, startsLine: true },
  { kind: "code", pattern: /```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n][^]*?\n*```/iy },
  { kind: "code", pattern: /(?:(?<n>`+)[^]*?[^`]\k<n>(?!`))/y },
  { kind: "**", pattern: /\*\*((?:\\[^]|[^\\])+?)\*\*(?!\*)/y },
  { kind: "__", pattern: /__((?:\\[^]|[^\\])+?)__(?!_)/y },
  { kind: "_", pattern: /\b_((?:__|\\[^]|[^\\_])+?)_\b/y },
  { kind: "*", pattern: /\*(?=\S)((?:\*\*|\\[^]|\s+(?:\\[^]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y },
  { kind: "~~", pattern: /~~([^]+?)~~(?!_)/y },
  { kind: "||", pattern: /\|\|([^]+?)\|\|/y },
];

/** What is around each character of a text. */
function aroundIn(text: string): readonly Around[] {
  const found: Around[] = Array.from({ length: text.length }, () => []);
  const read = (part: string, from: number, around: Around): void => {
    for (let at = 0; at < part.length;) {
      const isLineStart = at === 0 || part.charAt(at - 1) === "\n";
      const match = matchAt(part, at, isLineStart && !around.includes("#"), around.includes(">"));
      if (!match) {
        found[from + at] = around;
        at += 1;
        continue;
      }
      const { kind, whole, inner } = match;
      const inside = kind === "escape" ? around : [...around, kind];
      for (let index = 0; index < whole.length; index += 1) found[from + at + index] = inside;
      if (inner !== "") read(inner, from + at + whole.indexOf(inner), inside);
      at += whole.length;
    }
  };
  read(text, 0, []);
  return found;
}

function matchAt(part: string, at: number, isLineStart: boolean, isQuoted: boolean) {
  for (const { kind, pattern, startsLine } of RULES) {
    if (startsLine && (!isLineStart || (kind === ">" && isQuoted))) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(part);
    if (!match) continue;
    const inner = kind === "code" || kind === "escape" ? "" : match[1] ?? "";
    return { kind, whole: match[0], inner };
  }
  return undefined;
}

/** Three backticks. */
const F = "```";
/** Three backticks that do not end code. */
const f = "``\u200b`";

describe("[R2a] forDiscord() › code", () => {
  const cases: readonly (readonly [what: string, text: string, shown: string])[] = [
    [
      "a README in four backticks",
      `Here:\n${F}\`md\n# T\n${F}js\na()\n${F}\nend\n${F}\`\nbye`,
      `Here:\n${F}md\n# T\n${f}js\na()\n${f}\nend\n${F}\nbye`,
    ],
    [
      "a README in three",
      `${F}md\n# T\n${F}sh\nls\n${F}\n## U\n${F}\nbye`,
      `${F}md\n# T\n${f}sh\nls\n${f}\n## U\n${F}\nbye`,
    ],
    [
      "a string with three",
      `${F}js\nconst s = '${F}';\nx();\n${F}\nbye`,
      `${F}js\nconst s = '${f}';\nx();\n${F}\nbye`,
    ],
    ["tildes", "~~~py\nx\n~~~\nbye", `${F}py\nx\n${F}\nbye`],
    ["tildes around backticks", `~~~\n${F}\nx\n${F}\n~~~`, `${F}\n${f}\nx\n${f}\n${F}`],
    ["tildes in a quote", "> ~~~\n> x\n> ~~~", `> ${F}\n> x\n> ${F}`],
    ["more than a language", `${F}ts title="a"\nx\n${F}`, `${F}ts\nx\n${F}`],
    ["a space before the language", `${F} js\nx\n${F}`, `${F}js\nx\n${F}`],
    ["a fence without an end", `${F}js\nx`, `${F}js\nx\n${F}`],
    ["a fence without code", `${F}js\n${F}\n${F}\nx\n${F}`, `${F}js\n\u200b\n${F}\n${F}\nx\n${F}`],
    ["an end behind code", `${F}js\nx${F}\n\n${F}py\ny\n${F}`, `${F}js\nx${F}\n\n${F}py\ny\n${F}`],
    ["three as words", `Use ${F} so:\n${F}\nx\n${F}`, `Use \\\`\\\`\\\` so:\n${F}\nx\n${F}`],
    ["a spoiler around code", "||`a || b`||", "||`a |\u200b| b`||"],
    ["a spoiler around a fence", `||${F}\na || b\n${F}||`, `||${F}\na |\u200b| b\n${F}||`],
    ["bold around code", "**use `a ** b` here** ok", "**use `a *\u200b* b` here** ok"],
    ["an operator before code", "if a || b, `c || d`", "if a \\|\\| b, `c || d`"],
    ["stars of a list around code", "* a\n* b `x*y`\n* c", "* a\n* b `x*y`\n* c"],
    ["tildes in an item", "- ~~~js\n  a\n  ~~~\n- b", `- ${F}js\n  a\n  ${F}\n- b`],
    [
      "an end behind 200 drawings",
      `${F}\n${"~~~~~\n".repeat(200)}${F}\nx`,
      `${F}\n${"~~~~~\n".repeat(200)}${F}\nx`,
    ],
    ["a link before code", "https://x.org/a*b `x*y`", "https://x.org/a*b `x*y`"],
    ["a link with words", "[a](https://x.org/__a) `__x`", "[a](https://x.org/__a) `__x`"],
    ["an emoji", "<:__a:12345678901234567> `__x`", "<:__a:12345678901234567> `__x`"],
    ["a call", "f[0](*a) `*b`", "f[0](\\*a) `*b`"],
    ["a star before code", "5*3 = `x*y`", "5\\*3 = `x*y`"],
    ["names", `pass **kwargs:\n${F}\nf(**k)\n${F}`, `pass \\*\\*kwargs:\n${F}\nf(**k)\n${F}`],
    ["a lone backtick", "5` long\n`x`", "5\\` long\n`x`"],
    ["bold beside code", "**a** `b` **c**", "**a** `b` **c**"],
    ["deep headings", "#### A **b** ##\ntext\n> ##### C#", "**A b**\ntext\n> **C#**"],
    ["in items", "- #### A\n> 1. #### B", "- **A**\n> 1. **B**"],
    ["a backslash at the end of one", "#### C:\\", "**C:\\\u200b**"],
    ["not in code", `${F}md\n#### A\n${F}`, `${F}md\n#### A\n${F}`],
    ["other headings", "### A\n#a ####", "### A\n#a ####"],
    [
      "a table behind three backticks",
      `a ${F} b\n\n|a|b|\n|-|-|\n|1|2|`,
      `a \\\`\\\`\\\` b\n\n${F}\n| a   | b   |\n| --- | --- |\n| 1   | 2   |\n${F}`,
    ],
  ];
  for (const [what, text, shown] of cases) {
    it(what, () => {
      assert.equal(forDiscord(text, "code"), shown);
      assert.equal(forDiscord(shown, "code"), shown);
    });
  }
});

const STRINGS = cases(10_000, 40_000);

describe(`[R2a] forDiscord() › ${STRINGS} random strings`, () => {
  // deno-fmt-ignore
  const PARTS = [
    "a", "b ", " ", "\n", "\n\n", "`", "``", "```", "```js\n", "\n```\n", "````md\n", "\n````\n",
    "~~~\n", "> ", "\n> ", "\n>>> ", "||", "**", "*", "_", "__", "~~", "- ", "\n- ", "\n  ", "# ",
    "\\", "https://e.org/?q",
  ];

  it("Discord shows as code what the reader takes for shown code", () => {
    const { pick, upTo: below } = seeded(7);
    for (let run = 0; run < STRINGS; run += 1) {
      const text = Array.from({ length: below(30) }, () => pick(PARTS)).join("");
      for (const shown of [text, forDiscord(text, "off")]) {
        const around = aroundIn(shown);
        for (const { start, end, isShown } of codeRegions(shown)) {
          const isCode = around.slice(start, end).every((kinds) => kinds.includes("code"));
          const code = shown.slice(start, end).replace(/^[ >]+/, "");
          const from = end - code.length;
          const isCodeAll = around.slice(from, end).every((kinds) => kinds.includes("code"));
          if (isShown && !isCode && !isCodeAll) {
            assert.fail(
              JSON.stringify({ text, shown, code: shown.slice(start, end) }, undefined, 1),
            );
          }
        }
      }
    }
  });
});
