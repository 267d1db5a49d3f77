import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DEADLINES,
  initialState,
  type LifecycleState,
} from "../../../../src/discord/gateway/lifecycle/state.ts";
import type { StepContext } from "../../../../src/discord/gateway/lifecycle/loss.ts";
import { askPermit, takePermitAnswer } from "../../../../src/discord/gateway/lifecycle/permits.ts";
import { RECONNECT } from "../../../support/gateway/reconnect_rules.ts";

const AT: StepContext = {
  rules: {
    url: "wss://gateway.example",
    reconnect: RECONNECT,
    deadlines: DEADLINES,
  },
  now: { monotonicMs: 1_000, wallMs: 5_000 },
  random: 0,
};
const STATE: LifecycleState = {
  ...initialState({ monotonicMs: 0, wallMs: 4_000 }),
  socket: 7,
  heartbeat: { intervalMs: 40_000, dueMs: 2_000, isAcked: true, lateMs: 0 },
};
const PERMITTING: LifecycleState = { ...STATE, phase: { kind: "permitting" } };

describe("[G5] askPermit()", () => {
  it("asks for the current socket", () => {
    const { state, effects } = askPermit(STATE, AT);
    assert.deepEqual(state.phase, { kind: "permitting" });
    assert.deepEqual(effects, [{ kind: "ask_permit", socket: 7 }]);
  });

  it("does not ask before an IDENTIFY is due", () => {
    const { state, effects } = askPermit({ ...STATE, identifiedMs: 0 }, AT);
    assert.deepEqual(state.phase, {
      kind: "waiting",
      intent: "identify",
      untilMs: 6_000,
      waitReason: "spacing",
    });
    assert.equal(state.heartbeat, undefined, "no socket, no heartbeat");
    assert.deepEqual(effects.map(({ kind }) => kind), ["drop", "report_identify_wait"]);
  });
});

describe("[G5] takePermitAnswer()", () => {
  it("is the time of the IDENTIFY, from which the next one is spaced", () => {
    const { state, effects } = takePermitAnswer(PERMITTING, { kind: "granted" }, AT);
    assert.equal(state.identifiedMs, 1_000);
    assert.deepEqual(effects, [{ kind: "identify" }]);
  });

  it("ignores an answer without a request", () => {
    for (const kind of ["identifying", "resuming"] as const) {
      const state: LifecycleState = { ...STATE, phase: { kind, untilMs: 9 } };
      assert.deepEqual(takePermitAnswer(state, { kind: "granted" }, AT), { state, effects: [] });
    }
  });
});
