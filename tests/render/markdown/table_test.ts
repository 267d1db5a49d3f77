import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { renderTables, type TableMode } from "../../../src/render/markdown/as_markdown.ts";
import { documents } from "../../support/markdown.ts";

const SMALL = "| a | b |\n|---|---|\n| 1 | 2 |";
const SMALL_CODE = "```\n| a   | b   |\n| --- | --- |\n| 1   | 2   |\n```";
const indented = (text: string, by: string) => text.replace(/^/gm, by);

describe("[R5] renderTables() › recognizes tables", () => {
  const cases: readonly [name: string, text: string, shown: string][] = [
    ["one with words around it", `Look:\n\n${SMALL}\n\nafter`, `Look:\n\n${SMALL_CODE}\n\nafter`],
    ["one without outer pipes", "a | b\n--|--\n1 | 2\nno row", `${SMALL_CODE}\nno row`],
    ["two of them", `${SMALL}\n\n${SMALL}`, `${SMALL_CODE}\n\n${SMALL_CODE}`],
    ["one in a quote", indented(SMALL, "> "), indented(SMALL_CODE, "> ")],
    ["not the text after a quote", `> a | b\n---|---`, `> a | b\n---|---`],
    ["one in a list", `1. x\n${indented(SMALL, "   ")}`, `1. x\n${indented(SMALL_CODE, "   ")}`],
    [
      "one far in a list",
      `- x\n  - y\n\n${indented(SMALL, "    ")}`,
      `- x\n  - y\n\n${indented(SMALL_CODE, "    ")}`,
    ],
    ["a head alone", "| a | b |\n|---|---|", "```\n| a   | b   |\n| --- | --- |\n```"],
    ["one column", "| a |\n|---|\n| 1 |", "```\n| a   |\n| --- |\n| 1   |\n```"],
    ["one with carriage returns", SMALL.replaceAll("\n", "\r\n"), SMALL_CODE],
    ["not indented code", `x\n\n${indented(SMALL, "    ")}`, `x\n\n${indented(SMALL, "    ")}`],
    ["not one in a fence", `\`\`\`\n${SMALL}\n\`\`\``, `\`\`\`\n${SMALL}\n\`\`\``],
    ["not one with another count of columns", "| a | b |\n|---|\n| 1 |", "| a | b |\n|---|\n| 1 |"],
    ["not a heading underlined", "a | b\n---\n1 | 2", "a | b\n---\n1 | 2"],
    ["not a list", "- a | b\n---|---", "- a | b\n---|---"],
    [
      "with empty cells",
      "|a|b|c|\n|-|-|-|\n|1||x|",
      "```\n| a   | b   | c   |\n| --- | --- | --- |\n| 1   |     | x   |\n```",
    ],
    ["not one without a head", "|---|---|\n| 1 | 2 |", "|---|---|\n| 1 | 2 |"],
    ["ends at a list", `${SMALL}\n- x | y`, `${SMALL_CODE}\n- x | y`],
    ["ends at a fence", `${SMALL}\n\`\`\`x|y\nz\n\`\`\``, `${SMALL_CODE}\n\`\`\`x|y\nz\n\`\`\``],
    ["ends at a fence", `${SMALL}\n\`\`\`\nx | y\n\`\`\``, `${SMALL_CODE}\n\`\`\`\nx | y\n\`\`\``],
  ];
  for (const [name, text, shown] of cases) {
    it(name, () => assert.equal(renderTables(text, "code"), shown));
  }

  it("leaves tables unchanged in mode off", () => {
    assert.equal(renderTables(SMALL, "off"), SMALL);
  });
});

describe("[R5] renderTables() › code block or list", () => {
  const asked = (cell: string, head = "b") =>
    renderTables(`| a | ${head} |\n|---|---|\n| 1 | ${cell} |`, "code");
  const lost: readonly [name: string, cell: string][] = [
    ["a link with words", "[x](https://e.org)"],
    ["a bare link", "https://e.org/"],
    ["a mention", "<@123456789012345678>"],
    ["an emoji of the server's", "<:blob:12345678901>"],
    ["a time", "<t:1700000000:R>"],
    ["a spoiler", "\\|\\|x\\|\\|"],
    ["a spoiler without escapes", "||x|| and ||a b||"],
    ["more than a line has room for", "word ".repeat(20).trim()],
  ];
  for (const [name, cell] of lost) {
    it(`shows a list if a cell has ${name}`, () => {
      const shown = asked(cell);
      assert.ok(shown.startsWith("- **a**: 1"), shown);
      assert.ok(shown.endsWith(`**b**: ${cell.replaceAll("\\", "")}`), shown);
    });
  }

  const unmarked: readonly (readonly [cell: string, shown: string])[] = [
    ["`a|b` **c**", "a|b c"],
    ["~~a~~ __b__ *c* _d_", "a b c d"],
    ["``a ` b``", "a ` b"],
    ["`**a**` snake_case 2 * 3", "**a** snake_case 2 * 3"],
    ["a\\_b `\\*`", "a_b \\*"],
    ["**a", "**a"],
  ];
  for (const [cell, shown] of unmarked) {
    it(`shows ${cell} in code without marks`, () => {
      assert.ok(asked(cell).includes(`\n| 1   | ${shown} |\n`), asked(cell));
    });
  }

  it("leaves a table unchanged if its column names are too long", () => {
    const text = `| ${"x".repeat(201)} | b |\n|---|---|\n| 1 | 2 |`;
    for (const mode of ["code", "bullets"] as const) assert.equal(renderTables(text, mode), text);
  });

  it("does not blow up small tables", () => {
    const wide = `|${"a|".repeat(1_000)}\n|${"-|".repeat(1_000)}\n${"|x\n".repeat(1_000)}`;
    assert.ok(renderTables(wide, "code").length < 5 * wide.length);
  });
});

describe("[R5] laws of renderTables()", () => {
  const modes = fc.constantFrom<TableMode>("code", "bullets", "off");
  const pieces = fc.array(
    fc.constantFrom(
      "|",
      "-",
      "|-|-|",
      "| a | b |",
      "\n",
      "\n\n",
      "> ",
      "  ",
      "`",
      "```",
      ":",
      "\\|",
      "- ",
      "日本",
      "x",
    ),
    { maxLength: 40 },
  ).map((parts) => parts.join(""));

  it("leaves its own output unchanged", () => {
    fc.assert(
      fc.property(fc.oneof(documents, pieces), modes, (text, mode) => {
        const shown = renderTables(text, mode);
        assert.equal(renderTables(shown, mode), shown);
      }),
      { numRuns: 1_500 },
    );
  });

  it("loses no word", () => {
    const words = (text: string) => text.match(/said\d+|hidden\d+|code\d+|日本|🦐/g)?.sort() ?? [];
    fc.assert(
      fc.property(documents, (text) => {
        assert.deepEqual(words(renderTables(text, "code")), words(text));
      }),
      { numRuns: 500 },
    );
  });
});
