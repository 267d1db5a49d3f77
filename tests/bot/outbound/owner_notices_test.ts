import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/agent/turn.ts";
import { createOwnerNotices } from "../../../src/bot/outbound/owner_notices.ts";
import { ModelError, type ModelErrorKind } from "../../../src/core/model.ts";

const REPLY: TurnOutcome = { kind: "reply", text: "hello" };

function failed(kind: ModelErrorKind, modelId = "p/m"): TurnOutcome {
  const error = new ModelError("p/m answered 401: bad key sk-secret", { kind, modelId });
  return { kind: "failed", reason: error.message, error };
}

/** The notices after these turns. */
function toldAfter(...outcomes: readonly TurnOutcome[]): readonly string[] {
  const told: string[] = [];
  const notices = createOwnerNotices({
    tell: (text) => Promise.resolve(void told.push(text)),
    texts: () => ({ modelFails: "{model}: {problem}; {fix}" }),
    schedule: () => () => {},
  });
  for (const outcome of outcomes) notices.turnEnded(outcome);
  return told;
}

describe("[L3] createOwnerNotices()", () => {
  it("names model, problem and fix, and repeats nothing that the server said", () => {
    const [text = "", ...more] = toldAfter(failed("unauthorized"));
    assert.match(text, /^p\/m: its server refuses the API key.*; check the API key/);
    assert.doesNotMatch(text, /sk-secret/);
    assert.deepEqual(more, []);
  });

  const lawful: readonly (readonly [what: string, count: number, ...TurnOutcome[]])[] = [
    ["the same problem once", 1, failed("quota"), failed("quota")],
    ["another problem, too", 2, failed("quota"), failed("unauthorized"), failed("quota")],
    ["the same problem of another model, too", 2, failed("quota"), failed("quota", "p/n")],
    ["a problem that returns after an answer again", 2, failed("quota"), REPLY, failed("quota")],
    [
      "a problem once if only a temporary failure came between",
      1,
      failed("quota"),
      failed("unavailable"),
      { kind: "interrupted" },
      failed("quota"),
    ],
    ["no temporary failure", 0, failed("rate_limited"), failed("timeout"), failed("unavailable")],
    ["no failure of Barnacle", 0, { kind: "failed", reason: "x", error: new Error("x") }],
  ];
  for (const [what, count, ...outcomes] of lawful) {
    it(`tells ${what}`, () => assert.equal(toldAfter(...outcomes).length, count));
  }
});
