import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { threadTitle } from "../../src/render/name.ts";

describe("[S7] threadTitle()", () => {
  const cases: readonly [what: string, text: string, title: string][] = [
    ["keeps short words", "How do I feed krill?", "How do I feed krill?"],
    ["removes mentions and links", "<@123> see <#5> https://x.example/?k=1 please", "see please"],
    [
      "removes Markdown, not names",
      "## **bold** `code` snake_case _em_",
      "bold code snake_case em",
    ],
    ["keeps an emoji's name", "hello <a:party:77>", "hello :party:"],
    ["hides spoilers", "the murderer is ||the cook||!", "the murderer is (spoiler)!"],
    ["pings no one", "@everyone look", "everyone look"],
    ["is one line", "one\n> two\u202e\tthree", "one two three"],
    ["cuts between words", "word ".repeat(30), `${"word ".repeat(11).trim()}…`],
    ["cuts a long word", "x".repeat(200), `${"x".repeat(59)}…`],
    ["is empty without words", "<@123> ", ""],
  ];
  for (const [what, text, title] of cases) {
    it(what, () => assert.equal(threadTitle(text), title));
  }
});
