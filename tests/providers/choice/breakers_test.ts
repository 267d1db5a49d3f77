import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelErrorKind } from "../../../src/core/model.ts";
import {
  afterAsking,
  afterFailure,
  CLOSED,
  type ModelBreaker,
} from "../../../src/providers/choice/fallbacks.ts";

const failed = (kinds: readonly ModelErrorKind[], from: ModelBreaker = CLOSED, now = 0) =>
  kinds.reduce((state, kind) => afterFailure(state, { kind }, now), from);

describe("[L3] the breaker", () => {
  const rows: readonly (readonly [readonly ModelErrorKind[], isOpen: boolean])[] = [
    [[], false],
    [["unavailable", "timeout"], false],
    [["unavailable", "timeout", "rate_limited"], true],
    [["unauthorized"], true],
    [["quota"], true],
    [["web_page"], true],
    [["not_found"], true],
    [["rejected", "not_an_answer", "context_length", "filtered", "rejected"], false],
  ];
  for (const [kinds, isOpen] of rows) {
    it(`is ${isOpen ? "open" : "closed"} after ${kinds.join(", ") || "nothing"}`, () => {
      assert.equal(failed(kinds).openUntil > 0, isOpen);
    });
  }

  it("closes after 30 s, and lets one request probe the provider", () => {
    const open = failed(["unauthorized"]);
    assert.equal(open.openUntil, 30_000);
    const probing = afterAsking(open, 30_000);
    assert.equal(probing.openUntil, 90_000, "the others wait for the probe, if it never ends");
  });

  it("pauses longer after each failed probe, 10 min at most", () => {
    let state = failed(["quota"]);
    let now = 0;
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      pauses.push((state.openUntil - now) / 1_000);
      now = state.openUntil;
      state = afterFailure(afterAsking(state, now), { kind: "unavailable" }, now);
    }
    assert.deepEqual(pauses, [30, 60, 120, 240, 480, 600]);
  });

  it("changes nothing when a request begins at a working provider", () => {
    assert.equal(afterAsking(CLOSED, 5), CLOSED);
  });
});
