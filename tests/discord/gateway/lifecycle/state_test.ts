import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RESERVE, SPACING_MS } from "../../../../src/core/discord/identify_budget.ts";
import {
  DOWN_IDENTIFY_SPACING_MS,
  hasSocket,
  identifyFromMs,
  initialState,
  omit,
  type Phase,
  wakeAtMs,
  wantsIdentify,
} from "../../../../src/discord/gateway/lifecycle/state.ts";

const NOW = { monotonicMs: 7_000, wallMs: Date.UTC(2026, 0, 1) };

describe("[G4] initialState()", () => {
  it("has no socket, no failures and no due time", () => {
    const state = initialState(NOW);
    assert.equal(hasSocket(state.phase), false);
    assert.equal(state.failures, 0);
    assert.equal(state.readyAt, NOW.wallMs);
    assert.equal(wakeAtMs(state), Infinity);
  });

  it("delays an IDENTIFY by the given time", () => {
    assert.equal(identifyFromMs(initialState(NOW, { identifyInMs: 2_000 }), false), 9_000);
    assert.equal(identifyFromMs(initialState(NOW, { identifyInMs: 0 }), false), -Infinity);
  });

  it("continues from another worker's state", () => {
    const state = initialState(NOW, { failures: 3, isDown: true, mustSendPresence: true });
    assert.deepEqual([state.failures, state.isDown, state.mustSendPresence], [3, true, true]);
  });
});

describe("[G2] wakeAtMs()", () => {
  it("is the earlier of a time limit and a heartbeat", () => {
    const phase: Phase = { kind: "identifying", untilMs: 30 };
    const heartbeat = { intervalMs: 10, dueMs: 20, isAcked: true, lateMs: 0 };
    assert.equal(wakeAtMs({ ...initialState(NOW), phase }), 30);
    assert.equal(wakeAtMs({ ...initialState(NOW), phase, heartbeat }), 20);
    assert.equal(wakeAtMs({ ...initialState(NOW), phase: { kind: "permitting" }, heartbeat }), 20);
    assert.equal(
      wakeAtMs({ ...initialState(NOW), phase: { kind: "ready", sinceMs: 0 }, heartbeat }),
      20,
    );
  });
});

describe("[G1] wakeAtMs()", () => {
  it("ignores time limits while there is no room for dispatches, but not heartbeats", () => {
    const heartbeat = { intervalMs: 10, dueMs: 20, isAcked: true, lateMs: 0 };
    const waiting: Phase = { kind: "waiting", intent: "resume", untilMs: 15 };
    const resuming: Phase = { kind: "resuming", untilMs: 15 };
    const state = { ...initialState(NOW), congestedMs: 5 };
    assert.equal(wakeAtMs({ ...state, phase: waiting }), Infinity);
    assert.equal(wakeAtMs({ ...state, phase: resuming, heartbeat }), 20);
  });
});

describe("[G5] identifyFromMs()", () => {
  it("follows Discord's spacing, our own while down, and none before the first", () => {
    const state = { ...initialState(NOW), identifiedMs: 100 };
    assert.equal(identifyFromMs(state, false), 100 + SPACING_MS);
    assert.equal(identifyFromMs(state, true), 100 + DOWN_IDENTIFY_SPACING_MS);
    assert.equal(identifyFromMs(initialState(NOW), true), -Infinity);
  });

  it("waits for another shard's IDENTIFY", () => {
    const state = { ...initialState(NOW), identifiedMs: 100, identifyNotBeforeMs: 9_000 };
    assert.equal(identifyFromMs(state, false), 9_000);
    assert.equal(identifyFromMs({ ...state, identifyNotBeforeMs: 200 }, false), 100 + SPACING_MS);
  });

  it("keeps a day of IDENTIFYs while down above the reserve", () => {
    assert.ok(86_400_000 / DOWN_IDENTIFY_SPACING_MS < 1_000 - RESERVE);
  });
});

describe("[G5] wantsIdentify()", () => {
  const phases: readonly [Phase, boolean][] = [
    [{ kind: "waiting", intent: "identify", untilMs: 1 }, true],
    [{ kind: "waiting", intent: "resume", untilMs: 1 }, false],
    [{ kind: "connecting", intent: "identify", untilMs: 1 }, true],
    [{ kind: "permitting" }, true],
    [{ kind: "identifying", untilMs: 1 }, false],
    [{ kind: "ready", sinceMs: 1 }, false],
  ];
  it("is true for shards that will ask for a permit", () => {
    for (const [phase, wants] of phases) {
      assert.equal(wantsIdentify({ ...initialState(NOW), phase }), wants, phase.kind);
    }
  });
});

describe("[G5] omit()", () => {
  it("removes the field, and keeps all others", () => {
    const state = initialState(NOW, { session: { sessionId: "a", resumeUrl: "b" } });
    assert.equal("session" in omit(state, "session"), false);
    assert.deepEqual(omit(state, "heartbeat"), state);
  });
});
