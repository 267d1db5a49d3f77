import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isNoReply, visibleText } from "../../../src/render/safety/visible.ts";
import { HARMLESS, LEAKS } from "../leaks.ts";
import { anyCharacter } from "../../support/any_character.ts";

describe("[SEC-R8] visibleText()", () => {
  it("covers more than sixty kinds of leaks", () => assert.ok(LEAKS.length >= 60));

  for (const [name, answer, visible] of LEAKS) {
    it(`removes ${name}`, () => assert.equal(visibleText(answer), visible));
  }

  for (const [name, answer] of HARMLESS) {
    it(`keeps ${name}`, () => assert.equal(visibleText(answer), answer));
  }

  it("finds nothing more in its own output", () => {
    for (const [, answer] of LEAKS) {
      const visible = visibleText(answer);
      assert.equal(visibleText(visible), visible);
    }
  });

  it("finds each leak before and after words", () => {
    const [before, after] = ["Good morning.", "That is all."];
    for (const [name, answer, visible] of LEAKS) {
      if (
        /end|begin|made up|repeat|unended|never|steps|silence|without its|own tag|nested|one line|Llama's tag/i
          .test(name)
      ) {
        continue; // their meaning depends on the text around them
      }
      const all = visibleText(`${before}\n\n${answer}\n\n${after}`);
      assert.equal(
        all.replace(/\s+/g, " "),
        [before, visible, after].filter(Boolean).join(" ").replace(/\s+/g, " "),
        name,
      );
    }
  });

  it("never fails, and returns well-formed text for any answer", () => {
    const piece = fc.oneof(
      fc.constantFrom(...LEAKS.map(([, answer]) => answer)),
      fc.constantFrom("`", "```", "\n", "<think>", "</think>", "[INST]", "{", "}", "hello"),
      fc.string({ unit: anyCharacter }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const visible = visibleText(pieces.join(""));
        assert.ok(visible.isWellFormed());
        assert.equal(visible, visible.trim());
      }),
      { numRuns: 500 },
    );
  });
});

describe("[R10] visibleText()", () => {
  const cases: readonly [answer: string, visible: string][] = [
    ["hello", "hello"],
    ["  hello\n", "hello"],
    ["half a \ud83d shrimp", "half a \ufffd shrimp"],
    ["<Thinking>a\nb</Thinking>hello", "hello"],
    [" \n<think></think>hello", "hello"],
    ["NO_REPLY", "NO_REPLY"],
    ["hel\0lo\u001b[31m", "hello[31m"],
    ["\0NO_REPLY", "NO_REPLY"],
    ["<thi\0nk>secret</think>hello", "hello"],
    ["\0\u0007", ""],
    ["a\tb\r\nc\nd", "a\tb\r\nc\nd"],
  ];
  for (const [answer, visible] of cases) {
    it(`${JSON.stringify(answer)} is ${JSON.stringify(visible)}`, () => {
      assert.equal(visibleText(answer), visible);
    });
  }
});

describe("[R10] visibleText() › answers of a confused model", () => {
  const SIZE = 1_000_000; // a pass that starts again at each of them would take minutes
  for (
    const [what, filler] of [["line breaks", "\n"], ["spaces", " "], ["blank lines", " \n\t\n"]]
  ) {
    it(`reads a megabyte of ${what} once`, () => {
      const written = `so${filler?.repeat(SIZE / filler.length)}be it`;
      assert.equal(visibleText(written), written);
      assert.equal(visibleText(`${written} <think>no</think>`), written);
    });
  }
});

describe("[R10] isNoReply()", () => {
  const cases: readonly [text: string, is: boolean][] = [
    ["NO_REPLY", true],
    ["`NO_REPLY`", true],
    ["**NO_REPLY**.", true],
    ["no_reply", false],
    ["NO_REPLY, sorry", false],
    ["", false],
  ];
  for (const [text, is] of cases) {
    it(`${JSON.stringify(text)}: ${is}`, () => assert.equal(isNoReply(text), is));
  }
});
