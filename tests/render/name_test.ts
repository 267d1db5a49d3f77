import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { nameAsCode, threadTitle } from "../../src/render/name.ts";
import { anyCharacter } from "../support/any_character.ts";

describe("nameAsCode()", () => {
  const CASES: readonly (readonly [name: string, shown: string])[] = [
    ["ada", "`ada`"],
    ["__init__", "`__init__`"],
    ["@everyone", "`@everyone`"],
    ["a` <@1> `b", "`aˋ <@1> ˋb`"],
    ["two\nlines\tand  more", "`two lines and more`"],
    ["\u202egnp.exe", "`gnp.exe`"],
    ["a\u200bb\ufe0fc", "`abc`"],
    ["👩🏽\u200d💻 ❤\ufe0f\u200d🔥", "`👩🏽\u200d💻 ❤\ufe0f\u200d🔥`"],
    ["نمی\u200cخواهم", "`نمی\u200cخواهم`"],
    ["क्\u200dष", "`क्\u200dष`"],
    ["a\u200cd\u200da", "`ada`"],
    ["\u200d👩\u200d", "`👩`"],
    ["", "`?`"],
    [" \u200b ", "`?`"],
    ["x".repeat(500), `\`${"x".repeat(100)}\``],
    ["💥".repeat(101), `\`${"💥".repeat(100)}\``],
  ];
  for (const [name, shown] of CASES) {
    it(`shows ${JSON.stringify(name.slice(0, 20))} as ${JSON.stringify(shown.slice(0, 20))}`, () => {
      assert.equal(nameAsCode(name), shown);
    });
  }

  it("[P6a] formats any name as one line of code", () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter }), (name) => {
      assert.match(nameAsCode(name), /^`[^`\n\r]+`$/);
    }));
  });
});

const cases: readonly [what: string, text: string, title: string][] = [
  ["keeps short words", "How do I feed krill?", "How do I feed krill?"],
  ["removes mentions and links", "<@123> see <#5> https://x.example/?k=1 please", "see please"],
  ["removes Markdown only", "## **bold** `code` snake_case _em_", "bold code snake_case em"],
  ["keeps an emoji's name", "hello <a:party:77>", "hello :party:"],
  ["keeps joiners", "👩\u200d💻 نمی\u200cخواهم a\u200db", "👩\u200d💻 نمی\u200cخواهم ab"],
  ["keeps the backslashes of a path", "Where is C:\\temp\\logs?", "Where is C:\\temp\\logs?"],
  ["removes backslashes of Markdown", "\\*not bold\\* 1\\. x", "not bold 1. x"],
  ["hides spoilers", "the murderer is ||the cook||!", "the murderer is (spoiler)!"],
  ["pings no one", "@everyone look", "everyone look"],
  ["is one line", "one\n> two\u202e\tthree", "one two three"],
  ["cuts between words", "word ".repeat(30), `${"word ".repeat(11).trim()}…`],
  ["cuts a long word", "x".repeat(200), `${"x".repeat(59)}…`],
  ["is empty without words", "<@123> ", ""],
];
for (const [what, text, title] of cases) {
  it(`[S7] threadTitle() › ${what}`, () => assert.equal(threadTitle(text), title));
}
