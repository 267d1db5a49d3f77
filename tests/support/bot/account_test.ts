import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accountOf, settled } from "./account.ts";

const OWED = [{ channel: "general", pieces: ["q1", "q2", "q3"] }];

const account = (...written: readonly string[]) => accountOf(OWED, () => written);

describe("[D2] accountOf()", () => {
  it("accepts one reply each, in order", () => {
    assert.deepEqual(account("> q1", "> q2", "> q3"), settled(OWED));
  });

  it("accepts two pieces in one message as in order", () => {
    assert.deepEqual(account("> q1\n> q2", "> q3"), settled(OWED));
  });

  it("finds lost replies", () => {
    const { answered, lost } = account("> q1", "> q3");
    assert.deepEqual({ answered, lost }, { answered: 2, lost: ["q2"] });
  });

  it("finds repeated replies", () => {
    assert.deepEqual(account("> q1", "> q2", "> q2", "> q3").doubled, ["q2"]);
  });

  it("finds early replies", () => {
    assert.deepEqual(account("> q2", "> q1", "> q3").outOfOrder, ["q2"]);
    assert.deepEqual(account("> q3", "> q1", "> q2").outOfOrder, ["q3"]);
  });

  it("finds that there is no reply at all", () => {
    assert.deepEqual(account(), { ...settled(OWED), answered: 0, lost: ["q1", "q2", "q3"] });
  });
});
