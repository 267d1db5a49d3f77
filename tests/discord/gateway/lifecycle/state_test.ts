import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RESERVE, SPACING_MS } from "../../../../src/core/discord/identify_budget.ts";
import {
  DOWN_IDENTIFY_SPACING_MS,
  hasSocket,
  identifyFromMs,
  newLife,
  omit,
  type Phase,
  wakeAtMs,
  wantsIdentify,
} from "../../../../src/discord/gateway/lifecycle/state.ts";

const NOW = { monotonicMs: 7_000, wallMs: Date.UTC(2026, 0, 1) };

describe("[G4] newLife()", () => {
  it("has no socket, no failures and nothing due", () => {
    const life = newLife(NOW);
    assert.equal(hasSocket(life.phase), false);
    assert.equal(life.failures, 0);
    assert.equal(life.readyAt, NOW.wallMs);
    assert.equal(wakeAtMs(life), Infinity);
  });

  it("puts off an IDENTIFY by as much as it is told", () => {
    assert.equal(identifyFromMs(newLife(NOW, { identifyInMs: 2_000 }), false), 9_000);
    assert.equal(identifyFromMs(newLife(NOW, { identifyInMs: 0 }), false), -Infinity);
  });

  it("goes on where a shard before it was", () => {
    const life = newLife(NOW, { failures: 3, isDown: true, mustSendPresence: true });
    assert.deepEqual([life.failures, life.isDown, life.mustSendPresence], [3, true, true]);
  });
});

describe("[G2] wakeAtMs()", () => {
  it("is the next of a deadline and a beat", () => {
    const phase: Phase = { kind: "identifying", untilMs: 30 };
    const heart = { intervalMs: 10, dueMs: 20, isAcked: true, lateMs: 0 };
    assert.equal(wakeAtMs({ ...newLife(NOW), phase }), 30);
    assert.equal(wakeAtMs({ ...newLife(NOW), phase, heart }), 20);
    assert.equal(wakeAtMs({ ...newLife(NOW), phase: { kind: "permitting" }, heart }), 20);
    assert.equal(wakeAtMs({ ...newLife(NOW), phase: { kind: "ready", sinceMs: 0 }, heart }), 20);
  });
});

describe("[G1] wakeAtMs()", () => {
  it("is no step's time while there is no room for dispatches: only a beat's", () => {
    const heart = { intervalMs: 10, dueMs: 20, isAcked: true, lateMs: 0 };
    const waiting: Phase = { kind: "waiting", intent: "resume", untilMs: 15 };
    const resuming: Phase = { kind: "resuming", untilMs: 15 };
    const life = { ...newLife(NOW), congestedMs: 5 };
    assert.equal(wakeAtMs({ ...life, phase: waiting }), Infinity);
    assert.equal(wakeAtMs({ ...life, phase: resuming, heart }), 20);
  });
});

describe("[G5] identifyFromMs()", () => {
  it("is spaced by Discord's rule, by our own while down, and open before the first", () => {
    const life = { ...newLife(NOW), identifiedMs: 100 };
    assert.equal(identifyFromMs(life, false), 100 + SPACING_MS);
    assert.equal(identifyFromMs(life, true), 100 + DOWN_IDENTIFY_SPACING_MS);
    assert.equal(identifyFromMs(newLife(NOW), true), -Infinity);
  });

  it("is not before another shard's turn is over", () => {
    const life = { ...newLife(NOW), identifiedMs: 100, heldUntilMs: 9_000 };
    assert.equal(identifyFromMs(life, false), 9_000);
    assert.equal(identifyFromMs({ ...life, heldUntilMs: 200 }, false), 100 + SPACING_MS);
  });

  it("keeps a whole day of IDENTIFYs while down above the reserve", () => {
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
  it("is of those that will ask for a permit", () => {
    for (const [phase, wants] of phases) {
      assert.equal(wantsIdentify({ ...newLife(NOW), phase }), wants, phase.kind);
    }
  });
});

describe("[G5] omit()", () => {
  it("leaves no trace of the field, and all others", () => {
    const life = newLife(NOW, { session: { sessionId: "a", resumeUrl: "b" } });
    assert.equal("session" in omit(life, "session"), false);
    assert.deepEqual(omit(life, "heart"), life);
  });
});
