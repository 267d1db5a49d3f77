import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accountOf, settled } from "./account.ts";

const OWED = [{ channel: "general", pieces: ["q1", "q2", "q3"] }];

const account = (...written: readonly string[]) => accountOf(OWED, () => written);

describe("[D2] accountOf()", () => {
  it("is content with one reply each, in order", () => {
    assert.deepEqual(account("> q1", "> q2", "> q3"), settled(OWED));
  });

  it("takes two pieces in one message for in order", () => {
    assert.deepEqual(account("> q1\n> q2", "> q3"), settled(OWED));
  });

  it("finds what is lost", () => {
    const { answered, lost } = account("> q1", "> q3");
    assert.deepEqual({ answered, lost }, { answered: 2, lost: ["q2"] });
  });

  it("finds what was said twice", () => {
    assert.deepEqual(account("> q1", "> q2", "> q2", "> q3").doubled, ["q2"]);
  });

  it("finds what came too early", () => {
    assert.deepEqual(account("> q2", "> q1", "> q3").outOfOrder, ["q2"]);
    assert.deepEqual(account("> q3", "> q1", "> q2").outOfOrder, ["q3"]);
  });

  it("finds that nothing was said at all", () => {
    assert.deepEqual(account(), { ...settled(OWED), answered: 0, lost: ["q1", "q2", "q3"] });
  });
});
