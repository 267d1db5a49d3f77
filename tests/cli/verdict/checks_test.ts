import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { asPhrase } from "../../../src/cli/verdict/current_rules.ts";

describe("[P1] asPhrase()", () => {
  it("makes the end of a sentence, and keeps the capitals of names", () => {
    assert.equal(asPhrase("The sender is a bot."), "the sender is a bot");
    for (const name of ["Barnacle", "Discord", "PluralKit"]) {
      assert.equal(asPhrase(`${name} is asked.`), `${name} is asked`);
    }
  });
});
