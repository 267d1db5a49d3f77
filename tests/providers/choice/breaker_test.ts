import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelErrorKind } from "../../../src/core/model.ts";
import {
  afterAsking,
  afterFailure,
  type BreakerState,
  CLOSED,
  isClosed,
} from "../../../src/providers/choice/fallbacks.ts";

const failed = (kinds: readonly ModelErrorKind[], from: BreakerState = CLOSED, now = 0) =>
  kinds.reduce((state, kind) => afterFailure(state, kind, now), from);

describe("[L3] the breaker", () => {
  const rows: readonly (readonly [readonly ModelErrorKind[], isOpen: boolean])[] = [
    [[], false],
    [["unavailable", "timeout"], false],
    [["unavailable", "timeout", "rate_limited"], true],
    [["unauthorized"], true],
    [["quota"], true],
    [["web_page"], true],
    [["not_found", "rejected", "not_an_answer", "not_found", "rejected"], false],
  ];
  for (const [kinds, isOpen] of rows) {
    it(`is ${isOpen ? "open" : "closed"} after ${kinds.join(", ") || "nothing"}`, () => {
      assert.equal(isClosed(failed(kinds), 1), !isOpen);
    });
  }

  it("closes after 30 s, and lets one request probe the provider", () => {
    const open = failed(["unauthorized"]);
    assert.equal(isClosed(open, 29_999), false);
    assert.equal(isClosed(open, 30_000), true);
    const probing = afterAsking(open, 30_000);
    assert.equal(isClosed(probing, 30_001), false, "the others wait for the probe");
    assert.equal(isClosed(probing, 90_000), true, "the probe never ended");
  });

  it("pauses longer after each failed probe, 10 min at most", () => {
    let state = failed(["quota"]);
    let now = 0;
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      pauses.push((state.openUntil - now) / 1_000);
      now = state.openUntil;
      state = afterFailure(afterAsking(state, now), "unavailable", now);
    }
    assert.deepEqual(pauses, [30, 60, 120, 240, 480, 600]);
  });

  it("changes nothing when a request begins at a working provider", () => {
    assert.equal(afterAsking(CLOSED, 5), CLOSED);
  });
});
