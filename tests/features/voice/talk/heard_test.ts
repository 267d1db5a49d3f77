import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../../src/core/discord/ids.ts";
import { heardWords, isAddressed } from "../../../../src/features/voice/talk.ts";

const ADA = "101" as UserId;
const NAMES = ["Barnacle", "Barney"];

describe("[V7] isAddressed()", () => {
  it("finds a name behind any marks, in any case, and takes words into its speech", () => {
    const isFor = (text: string, last?: { readonly to: UserId }) =>
      isAddressed({ userId: ADA, text, beganAt: 0 }, { humans: 2, names: NAMES, last });
    for (const name of NAMES) {
      const marks = ["", "!", ",", "…", "?!"];
      assert.ok(marks.every((mark) => isFor(`so ${name.toUpperCase()}${mark} go`)));
      assert.ok(!isFor(`so ${name}x go`));
    }
    assert.ok(isFor("stop", { to: ADA }));
  });
});

describe("[V5] heardWords()", () => {
  const table:
    readonly (readonly [transcript: string, seconds: number, words: string | undefined])[] = [
      [" What is  the weather? ", 2, "What is the weather?"],
      ["No.", 0.3, "No."],
      ["[BLANK_AUDIO]", 2, undefined],
      ["(door closes) yes", 2, "yes"],
      ["♪♪ .", 2, undefined],
      ["Thanks for watching!", 2, undefined],
      ["Untertitel im Auftrag des ZDF für funk, 2017", 3, undefined],
      ["Subtitles by the Amara.org community", 3, undefined],
      ["you you you you you you", 3, undefined],
      ["and then and then and then and then and then and then", 5, undefined],
      ["very very good", 2, "very very good"],
      ["a".repeat(400), 1, undefined],
      ["", 1, undefined],
    ];
  for (const [transcript, seconds, words] of table) {
    it(`reads ${JSON.stringify(transcript.slice(0, 40))}`, () => {
      assert.equal(heardWords(transcript, seconds), words);
    });
  }
});
