import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AnswerToCheck,
  type ApprovalRules,
  reasonToCheck,
  takeFlag,
} from "../../../src/core/people/approval.ts";

describe("[A5] takeFlag()", () => {
  const cases: readonly [written: string, text: string, flag: string | undefined][] = [
    ["The tide is high.", "The tide is high.", undefined],
    ["[[unsure: no source]]\nIt is high.", "It is high.", "no source"],
    ["[[unsure]] It is high.", "It is high.", ""],
    ["It is high. [[UNSURE: no source]", "It is high.", "no source"],
    ["[[unsure: a]] x [[unsure: b]]", "x", "a"],
    ["[[unsure: two\nlines]] x", "[[unsure: two\nlines]] x", undefined],
    ["[[reply_to_current]] x", "[[reply_to_current]] x", undefined],
    [`[[unsure: ${"a".repeat(300)}]] x`, "x", "a".repeat(200)],
    ["[[unsure: only a tag]]", "", "only a tag"],
  ];
  for (const [written, text, flag] of cases) {
    it(`reads ${JSON.stringify(written.slice(0, 40))}`, () => {
      const taken = takeFlag(written);
      assert.deepEqual([taken.text, taken.flag], [text, flag]);
    });
  }
});

describe("[A5] reasonToCheck()", () => {
  const UNSURE: ApprovalRules = {
    mode: "unsure",
    people: [],
    newPeople: false,
    links: false,
    words: [],
    timeoutMs: 1,
  };
  const sure = (fields: Partial<AnswerToCheck> = {}): AnswerToCheck => ({
    question: "When is the tide?",
    answer: "At noon.",
    isNewPerson: () => Promise.resolve(true),
    ...fields,
  });
  const cases: readonly [
    name: string,
    rules: Partial<ApprovalRules>,
    answer: Partial<AnswerToCheck>,
    why: string | undefined,
  ][] = [
    ["always", { mode: "always" }, {}, "every answer here is checked"],
    [
      "always, and the model is unsure",
      { mode: "always" },
      { flag: "hm" },
      "the model is unsure: hm",
    ],
    ["a flag", {}, { flag: "hm" }, "the model is unsure: hm"],
    ["a flag without a reason", {}, { flag: "" }, "the model is unsure"],
    ["nothing", {}, {}, undefined],
    ["a link", { links: true }, { answer: "see http://x.example" }, "it has a link"],
    ["a link, and links are fine", {}, { answer: "see http://x.example" }, undefined],
    ["a link in the question", { links: true }, { question: "https://x.example ?" }, undefined],
    ["a word in the question", { words: ["TIDE"] }, {}, 'the word "TIDE"'],
    ["a word in the answer", { words: ["noon"] }, {}, 'the word "noon"'],
    ["a part of a word", { words: ["tid"] }, {}, undefined],
    ["a sign after a number", { words: ["€"] }, { answer: "20€" }, 'the word "€"'],
    ["a word with signs of a pattern", { words: ["a.c (x)"] }, { answer: "abc (x)" }, undefined],
    ["the same as it stands", { words: ["a.c (x)"] }, { answer: "A.C (X)" }, 'the word "a.c (x)"'],
    ["a word of another alphabet", { words: ["цена"] }, { answer: "Цена?" }, 'the word "цена"'],
    ["a new person", { newPeople: true }, {}, "a new person asks"],
    [
      "a known person",
      { newPeople: true },
      { isNewPerson: () => Promise.resolve(false) },
      undefined,
    ],
  ];
  for (const [name, rules, answer, why] of cases) {
    it(`${name}: ${why ?? "no one checks it"}`, async () => {
      assert.equal(await reasonToCheck({ ...UNSURE, ...rules }, sure(answer)), why);
    });
  }

  it("asks about the person only if nothing else decides", async () => {
    const isNewPerson = () => assert.fail("it was asked");
    const rules = { ...UNSURE, newPeople: true, words: ["noon"] };
    assert.equal(await reasonToCheck(rules, sure({ isNewPerson })), 'the word "noon"');
  });
});
