import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEADLINES, type Life, newLife } from "../../../../src/discord/gateway/lifecycle/state.ts";
import type { Circumstances } from "../../../../src/discord/gateway/lifecycle/loss.ts";
import { askPermit, takePermit } from "../../../../src/discord/gateway/lifecycle/permits.ts";

const AT: Circumstances = {
  rules: {
    url: "wss://gateway.example",
    reconnect: {
      enabled: true,
      maxRetries: 10,
      backoffBase: 1.5,
      backoffMaxSec: 60,
      resumeSession: true,
      sessionCacheTtlSec: 300,
      exitOnGiveUp: false,
    },
    deadlines: DEADLINES,
  },
  now: { monotonicMs: 1_000, wallMs: 5_000 },
  random: 0,
};
const LIFE: Life = {
  ...newLife({ monotonicMs: 0, wallMs: 4_000 }),
  socket: 7,
  heart: { intervalMs: 40_000, dueMs: 2_000, isAcked: true, lateMs: 0 },
};
const PERMITTING: Life = { ...LIFE, phase: { kind: "permitting" } };

describe("[G5] askPermit()", () => {
  it("asks for the socket in use", () => {
    const { life, effects } = askPermit(LIFE, AT);
    assert.deepEqual(life.phase, { kind: "permitting" });
    assert.deepEqual(effects, [{ kind: "ask_permit", socket: 7 }]);
  });

  it("does not ask what it knows the answer to", () => {
    const { life, effects } = askPermit({ ...LIFE, identifiedMs: 0 }, AT);
    assert.deepEqual(life.phase, {
      kind: "waiting",
      intent: "identify",
      untilMs: 6_000,
      hold: "spacing",
    });
    assert.equal(life.heart, undefined, "no socket, no heart");
    assert.deepEqual(effects.map(({ kind }) => kind), ["drop", "report_held"]);
  });
});

describe("[G5] takePermit()", () => {
  it("is when an IDENTIFY was sent, from which the next one is spaced", () => {
    const { life, effects } = takePermit(PERMITTING, { kind: "granted" }, AT);
    assert.equal(life.identifiedMs, 1_000);
    assert.deepEqual(effects, [{ kind: "identify" }]);
  });

  it("takes none that nobody waits for", () => {
    for (const kind of ["identifying", "resuming"] as const) {
      const life: Life = { ...LIFE, phase: { kind, untilMs: 9 } };
      assert.deepEqual(takePermit(life, { kind: "granted" }, AT), { life, effects: [] });
    }
  });
});
