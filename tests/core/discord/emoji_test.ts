import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isWrittenEmoji, reactionEmoji } from "../../../src/core/inbound/inbound.ts";

describe("[T3] [R7] reactionEmoji()", () => {
  const spellings: readonly (readonly [whole: string, ...others: readonly string[]])[] = [
    ["\u2764\ufe0f", "\u2764", "\u2764\ufe0e"], // a heart
    ["\u2709\ufe0f", "\u2709"], // an envelope
    ["\u{1f44d}", "\u{1f44d}\ufe0f", "\u{1f44d}\ufe0e"], // a thumb
    ["\u2705", "\u2705\ufe0f"], // a check mark
    ["1\ufe0f\u20e3", "1\u20e3"], // a keycap
    ["\u{1f3f3}\ufe0f\u200d\u{1f308}", "\u{1f3f3}\u200d\u{1f308}"], // a flag of two emojis
    ["\u{1f441}\ufe0f\u200d\u{1f5e8}\ufe0f", "\u{1f441}\u200d\u{1f5e8}"], // an eye in a bubble
    ["\u270c\u{1f3fd}", "\u270c\ufe0f\u{1f3fd}"], // a hand with a skin tone
    ["\u{1f575}\u{1f3fd}\u200d\u2642\ufe0f", "\u{1f575}\u{1f3fd}\u200d\u2642"], // a detective
    ["\u{1f1e9}\u{1f1ea}"], // a flag of letters
    ["<:krill:123>"],
    ["<a:krill:123>"],
  ];
  for (const [whole, ...others] of spellings) {
    for (const written of [whole, ...others]) {
      it(`writes ${escape(written)} as Discord does`, () => {
        assert.equal(reactionEmoji(written), whole);
      });
    }
  }

  it("leaves other texts to Discord", () => assert.equal(reactionEmoji("x\ufe0f"), "x\ufe0f"));
});

it("[T3] isWrittenEmoji() › agrees with the set of all emojis about each single character", () => {
  const whole = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic})$/v;
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    assert.equal(isWrittenEmoji(character), whole.test(character), code.toString(16));
  }
});
