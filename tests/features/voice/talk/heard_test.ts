import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { UserId } from "../../../../src/core/discord/ids.ts";
import { heardWords, isAddressed } from "../../../../src/features/voice/talk.ts";

const ADA = "101" as UserId;
const BEN = "102" as UserId;
const NAMES = ["Barnacle", "Barney"];

describe("[V7] isAddressed()", () => {
  const table = [
    ["one person alone", { humans: 1, text: "hello" }, true],
    ["a name among many", { humans: 3, text: "Hey, Barnacle! What is it?" }, true],
    ["a further name", { humans: 3, text: "barney please" }, true],
    ["a part of a word", { humans: 3, text: "the barnacles are here" }, false],
    ["other talk", { humans: 2, text: "did you see that" }, false],
    ["a reply within 8 s", { humans: 2, text: "yes", last: { to: ADA, endedAt: 2_000 } }, true],
    ["a reply after 8 s", { humans: 2, text: "yes", last: { to: ADA, endedAt: 1_999 } }, false],
    [
      "a reply of another person",
      { humans: 2, text: "yes", last: { to: BEN, endedAt: 9_000 } },
      false,
    ],
    ["words into its speech", { humans: 2, text: "stop", last: { to: ADA } }, true],
  ] as const;
  for (const [what, { humans, text, ...more }, expected] of table) {
    it(`${expected ? "hears" : "ignores"} ${what}`, () => {
      const said = { userId: ADA, text, beganAt: 10_000 };
      const last = "last" in more ? more.last : undefined;
      assert.equal(isAddressed(said, { humans, names: NAMES, last }), expected);
    });
  }

  it("finds a name behind any marks, in any case", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES),
        fc.constantFrom("", "!", ",", "…", "?!"),
        (name, mark) => {
          const isFor = (text: string) =>
            isAddressed({ userId: ADA, text, beganAt: 0 }, {
              humans: 2,
              names: NAMES,
              last: undefined,
            });
          assert.ok(isFor(`so ${name.toUpperCase()}${mark} go`));
          assert.ok(!isFor(`so ${name}x go`));
        },
      ),
    );
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
