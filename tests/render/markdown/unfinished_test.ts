import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { finishedPart, thinkingIn } from "../../../src/render/markdown/chunk.ts";

const LIMIT = 2_000;
/** Deno's own default is 100; each run here is some microseconds. */
const RUNS = 2_000;

describe("[R8] finishedPart()", () => {
  const cases: readonly [what: string, text: string, shown: string][] = [
    ["a word that goes on", "Good morn", "Good "],
    ["a word that has ended", "Good morning ", "Good morning "],
    ["a single word", "Good", ""],
    ["a script without spaces", "東京は、日本の首", "東京は、"],
    ["an address that goes on", "See https://exam", "See "],
    ["a reply tag that goes on", "Well. [[reply_to: 14000 ", "Well. "],
    ["a reply tag that begins", "Well. [[ ", "Well. "],
    ["a whole reply tag", "[[reply_to_current]] Well ", "[[reply_to_current]] Well "],
    ["a link's words", "Look [at this ", "Look "],
    ["a link's address", "Look [at](https://a.example/ b ", "Look "],
    ["a picture's words", "Look ![at this ", "Look "],
    ["a whole link", "Look [at](https://a.example) now ", "Look [at](https://a.example) now "],
    ["brackets of an earlier line", "a[0\nis it ", "a[0\nis it "],
    ["a mention that goes on", "Ask <@1400 ", "Ask "],
    ["a marker that goes on", "Done. <|im_end ", "Done. "],
    ["less than", "1 < 2 and ", "1 < 2 and "],
    ["code that goes on", "Say `git pu now ", "Say "],
    ["whole code", "Say `git pull` now ", "Say `git pull` now "],
    ["a fence that begins", "Run:\n```sh ", "Run:"],
    ["a fence without content", "Run:\n```sh\n", "Run:"],
    ["a fence that goes on", "Run:\n```sh\nls | grep [a ", "Run:\n```sh\nls | grep [a "],
    ["a fence that ends", "Run:\n```sh\nls\n```\n", "Run:\n```sh\nls\n```\n"],
    ["a table that begins", "Prices:\n| what | EUR ", "Prices:\n"],
    ["a table that goes on", "Prices:\n| a | b |\n|---|---|\n| c | d |\n", "Prices:\n"],
    ["a table that has ended", "| a | b |\n|---|---|\n\nThat ", "| a | b |\n|---|---|\n\nThat "],
    ["nothing", "", ""],
  ];
  for (const [what, text, shown] of cases) {
    it(`${what}: ${JSON.stringify(text)}`, () => {
      assert.equal(finishedPart(text, LIMIT), shown);
    });
  }

  it("does not wait for the end of an endless word", () => {
    const text = "x".repeat(500);
    assert.equal(finishedPart(text, LIMIT), text);
  });

  it("never cuts a surrogate pair", () => {
    assert.equal(finishedPart(`${"x".repeat(300)}\ud83d`, LIMIT), "x".repeat(300));
  });

  it("always returns a beginning of the text", () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("```", "\n", "|", "[[", "]]", "<@", ">", "`", "[a](", ")", " ", "~~~", "。"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join("");
        assert.ok(text.startsWith(finishedPart(text, LIMIT)));
      }),
      { numRuns: RUNS },
    );
  });
});

describe("[R10] thinkingIn()", () => {
  const cases: readonly [text: string, thinking: ReturnType<typeof thinkingIn>][] = [
    ["Hello", "none"],
    ["<think>hm</think>Hello", "marked"],
    ["\n<THINKING>\nhm", "marked"],
    ["hm, so\n</think>\nHello", "ended"],
    ["hm, so\n </thinking> \nHello", "ended"],
    ["Write `</think>` where it ends", "none"],
  ];
  for (const [text, thinking] of cases) {
    it(`${JSON.stringify(text)}: ${thinking}`, () => assert.equal(thinkingIn(text), thinking));
  }
});
