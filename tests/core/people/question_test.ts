import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DENY, FILL_IN, type Question, readAnswer } from "../../../src/core/people/question.ts";

const FORM: Question = {
  kind: "ask",
  tool: "look",
  text: "Which reef?",
  facts: [],
  choices: [{ key: FILL_IN }, { key: DENY }],
  form: { title: "reef", label: "Reef" },
  asked: "anyone",
  where: "channel",
  timeoutMs: 1,
};
const submitted = "outer";

describe("[T13a] readAnswer() of a form that may be declined", () => {
  it("takes the filled-in form, or the button that declines", () => {
    const answer = { choice: FILL_IN, text: "outer" };
    assert.deepEqual(readAnswer(FORM, FILL_IN, { submitted }), answer);
    assert.deepEqual(readAnswer(FORM, DENY, {}), { choice: DENY });
    assert.deepEqual(readAnswer(FORM, undefined, { answer: { choice: DENY } }), { choice: DENY });
  });

  it("takes no form without a text, and no form from another button", () => {
    assert.equal(readAnswer(FORM, FILL_IN, {}), undefined);
    assert.equal(readAnswer(FORM, undefined, { answer: { choice: FILL_IN } }), undefined);
    assert.equal(readAnswer(FORM, DENY, { submitted }), undefined);
    assert.equal(readAnswer(FORM, FILL_IN, { submitted: "" }), undefined);
  });
});
