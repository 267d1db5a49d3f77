/** Tests the stream of an answer to a program. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCallStream } from "../../../../src/extras/api/calls/answer_stream.ts";

/** Streams texts as a model writes them, with a look after each. */
function streamed(
  texts: readonly string[],
  answer: string,
  harmless = (text: string) => text,
  isRead = true,
) {
  const parts: string[] = [];
  let look = () => {};
  const stream = createCallStream({
    harmlessPart: harmless,
    isRead: () => isRead,
    schedule: (run) => {
      look = run;
      return () => look = () => {};
    },
  }, (part) => parts.push(part));
  const turn = stream.begin((text) => text.replace("[[tag]]", ""));
  for (const text of texts) {
    turn.grow(text);
    look();
    look = () => {};
  }
  const isShown = turn.isShown();
  return { parts, isShown, whole: parts.join("") + stream.restOf(answer) };
}

describe("[O14] createCallStream()", () => {
  const cases:
    readonly (readonly [what: string, texts: string[], answer: string, whole: string])[] = [
      [
        "a plain answer",
        ["The", "The tide", "The tide is high."],
        "The tide is high.",
        "The tide is high.",
      ],
      ["one word", ["Yes"], "Yes.", "Yes."],
      ["nothing that grew", [], "Yes.", "Yes."],
      [
        "text before a tool's call",
        ["Let me look. ", "It is ", "It is high."],
        "It is high.",
        "Let me look. \n\nIt is high.",
      ],
      ["an answer that begins otherwise", ["one two "], "three", "one two \n\nthree"],
      ["a tag", ["[[tag]]one two"], "one two", "one two"],
      ["an empty answer", ["one "], "", "one "],
    ];
  for (const [what, texts, answer, whole] of cases) {
    it(`sends ${what}`, () => assert.equal(streamed(texts, answer).whole, whole));
  }

  it("[L3] shows nothing to a program that waits for the whole answer", () => {
    const { parts, isShown, whole } = streamed(
      ["The tide", "Once more"],
      "Once more.",
      undefined,
      false,
    );
    assert.deepEqual([parts, isShown, whole], [[], false, "Once more."]);
    assert.equal(streamed(["The tide"], "The tide.").isShown, true);
  });

  it("sends no beginning of a word, which may be that of a secret", () => {
    const { parts } = streamed(["the key is sk-", "the key is sk-123"], "");
    assert.deepEqual(parts, ["the key is "]);
  });

  it("sends nothing of a text that is not harmless yet", () => {
    const { parts } = streamed(["thinking about it ", "thinking about it more "], "", () => "");
    assert.deepEqual(parts, []);
  });
});
