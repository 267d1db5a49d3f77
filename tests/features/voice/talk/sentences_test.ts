import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createSentences, isMoreThanSpeech } from "../../../../src/features/voice/turn_speech.ts";

/** All sentences of a text that arrives in parts. */
function cut(parts: readonly string[]): readonly string[] {
  const sentences = createSentences();
  let text = "";
  const all = parts.flatMap((part) => sentences.next(text += part, false));
  return [...all, ...sentences.next(text, true)];
}

const TABLE: readonly (readonly [text: string, sentences: readonly string[]])[] = [
  ["Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]],
  ["It costs 3.50 euros. Dr. Who pays, e.g. in cash.", [
    "It costs 3.50 euros.",
    "Dr. Who pays, e.g. in cash.",
  ]],
  ["Am 3. Mai kommt Fr. K. Meier. Gut.", ["Am 3. Mai kommt Fr.", "K. Meier.", "Gut."]],
  ["Use `ls`:\n```sh\nls. -l\nrm. X\n```\nThat is all.", ["Use ls:", "That is all."]],
  ["- one\n- two\n", ["one", "two"]],
  ["| a | b |\n|---|---|\n| 1 | 2 |\nDone.", ["Done."]],
  ["See https://example.org/a.b?c now. **Bold** words.", ["See now.", "Bold words."]],
  ["今日は。元気です。", ["今日は。", "元気です。"]],
  ["Yes 🎉", ["Yes"]],
  ["🎉", []],
  ["", []],
];

describe("[V5] sentences of an answer", () => {
  for (const [text, sentences] of TABLE) {
    it(`cuts ${JSON.stringify(text)}`, () => assert.deepEqual(cut([text]), sentences));
  }

  it("gives a sentence before the next one is written", () => {
    const sentences = createSentences();
    assert.deepEqual(sentences.next("It rains. Take", false), ["It rains."]);
    assert.deepEqual(sentences.next("It rains. Take an umbrella", false), []);
  });

  it("cuts a text in the same way, however it arrives", () => {
    const word = fc.constantFrom(
      "Hi",
      "no.",
      "Yes.",
      "3.5",
      "e.g.",
      "\n",
      "What?",
      "ok!",
      "```",
      "| a |\n",
    );
    fc.assert(fc.property(fc.array(word, { maxLength: 25 }), (words) => {
      const text = words.join(" ");
      const whole = createSentences().next(text, true);
      assert.deepEqual(cut([...text]).join(" "), whole.join(" "));
    }));
  });

  it("speaks the begin of a long answer, and of a sentence without an end", () => {
    const long = cut(["word ".repeat(1_000)]);
    assert.ok(long.join(" ").length < 900 && long.every((one) => one.length <= 300));
    assert.ok(isMoreThanSpeech("word ".repeat(200)));
    assert.ok(isMoreThanSpeech("a\n```\nb\n```"));
    assert.ok(!isMoreThanSpeech("It rains. Take an umbrella."));
  });
});
