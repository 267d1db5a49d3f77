import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  backoffOf,
  type Loss,
  planReconnect,
  type ReconnectRules,
} from "../../../../src/discord/gateway/lifecycle/close_codes.ts";
import { RECONNECT } from "../../../support/gateway/reconnect_rules.ts";

const LOSS: Loss = { code: 1006, hasSession: true, attempt: 1 };
const ALMOST_ONE = 1 - Number.EPSILON;

describe("[G10] backoffOf()", () => {
  it("gives the bounds of the random delays", () => {
    assert.deepEqual(backoffOf("identify", RECONNECT), {
      minDelayMs: 500,
      maxDelayMs: 60_000,
      base: 1.5,
    });
    assert.equal(backoffOf("resume", RECONNECT).maxDelayMs, 8_000);
    assert.equal(backoffOf("resume", { ...RECONNECT, backoffMaxSec: 5 }).maxDelayMs, 5_000);
    assert.deepEqual(backoffOf("resume", RECONNECT, true), {
      minDelayMs: 100,
      maxDelayMs: 8_000,
      base: 1.5,
      firstMs: 250,
    });
    assert.deepEqual(backoffOf("identify", RECONNECT, true), backoffOf("identify", RECONNECT));
  });
});

describe("[G4] planReconnect()", () => {
  /** A random delay is at most a millisecond below its bound; any other is exact. */
  const waits: readonly [
    name: string,
    loss: Partial<Loss>,
    rules: Partial<ReconnectRules>,
    delaysMs: [shortest: number, longest: number],
  ][] = [
    ["a second at most at first", {}, {}, [500, 999]],
    ["a quarter of that after a close of a connection that worked", { isClosed: true }, {}, [
      100,
      249,
    ]],
    ["longer after the second such close", { isClosed: true, attempt: 2 }, {}, [100, 374]],
    ["8 s at most after many such closes", { isClosed: true, attempt: 10 }, {}, [100, 7_999]],
    ["8 s once down by such closes", { isClosed: true, attempt: 11 }, {}, [8_000, 8_000]],
    ["half a second to identify anew", { isClosed: true, code: 4009 }, {}, [500, 999]],
    ["longer with each failure", { attempt: 4 }, {}, [500, 3_374]],
    ["8 s at most to resume", { attempt: 8 }, {}, [500, 7_999]],
    ["longer than 8 s to identify", { attempt: 8, hasSession: false }, {}, [500, 17_085]],
    ["longer than 8 s after 4009", { attempt: 8, code: 4009 }, {}, [500, 17_085]],
    ["no longer than configured", { attempt: 8 }, { backoffMaxSec: 5 }, [500, 4_999]],
    ["by the configured base", { attempt: 3 }, { backoffBase: 2 }, [500, 3_999]],
    ["10 s at least after 4008", { code: 4008 }, {}, [10_000, 10_000]],
    ["longer than 10 s after 4008 if due", { code: 4008, attempt: 8, hasSession: false }, {}, [
      10_000,
      17_085,
    ]],
    ["the maximum once down", { attempt: 11, hasSession: false }, {}, [60_000, 60_000]],
    ["8 s to resume once down", { attempt: 11 }, {}, [8_000, 8_000]],
    ["not at all if Discord asked for it", { isAtOnce: true, attempt: 5 }, {}, [0, 0]],
    ["as long as op 9 requires", { minDelayMs: 4_321 }, {}, [4_321, 4_321]],
    ["longer than op 9 requires if due", { minDelayMs: 1_000, attempt: 8, hasSession: false }, {}, [
      1_000,
      17_085,
    ]],
  ];
  for (const [name, loss, rules, delaysMs] of waits) {
    it(`waits ${name}`, () => {
      const delays = [0, ALMOST_ONE].map((random) => {
        const plan = planReconnect({ ...LOSS, ...loss }, { ...RECONNECT, ...rules }, random);
        return "delayMs" in plan ? plan.delayMs : undefined;
      });
      assert.deepEqual(delays, delaysMs);
    });
  }

  it("always identifies if resuming is off, with the delays of identifying", () => {
    const rules = { ...RECONNECT, resumeSession: false };
    assert.deepEqual(planReconnect({ ...LOSS, attempt: 8 }, rules, ALMOST_ONE), {
      kind: "identify",
      delayMs: 17_085,
      isDown: false,
    });
  });

  for (const [attempt, isDown] of [[10, false], [11, true], [1_000, true]] as const) {
    it(`continues at attempt ${attempt} of 10, ${isDown ? "down" : "not down"}`, () => {
      const plan = planReconnect({ ...LOSS, attempt }, RECONNECT, 0);
      assert.ok(plan.kind === "resume");
      assert.equal(plan.isDown, isDown);
    });
  }

  const givenUp: readonly [string, number, Partial<ReconnectRules>, boolean][] = [
    ["at once if reconnecting is off", 1, { enabled: false }, false],
    ["at once, with exit", 1, { enabled: false, exitOnGiveUp: true }, true],
    ["after the last retry, with exit", 11, { exitOnGiveUp: true }, true],
  ];
  for (const [name, attempt, rules, exit] of givenUp) {
    it(`gives up ${name}`, () => {
      const plan = planReconnect({ ...LOSS, attempt }, { ...RECONNECT, ...rules }, 0);
      assert.deepEqual(plan, { kind: "give_up", exit });
    });
  }

  it("never waits less than half a second unless asked to, nor longer than the bounds", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.boolean(),
      fc.constantFrom(undefined, 1000, 4000, 4008, 4009),
      fc.double({ min: 0, max: ALMOST_ONE, noNaN: true }),
      (attempt, hasSession, code, random) => {
        const plan = planReconnect({ code, hasSession, attempt }, RECONNECT, random);
        assert.ok(plan.kind === "resume" || plan.kind === "identify");
        const least = code === 4008 ? 10_000 : 500;
        assert.ok(plan.delayMs >= least);
        assert.ok(plan.delayMs <= Math.max(least, plan.kind === "resume" ? 8_000 : 60_000));
      },
    ));
  });
});
