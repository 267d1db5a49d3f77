import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  backoffOf,
  closeLine,
  explainReason,
  type Loss,
  meaningOf,
  planReconnect,
  type ReconnectRules,
} from "../../../../src/discord/gateway/lifecycle/close_codes.ts";
import type { LostConnection } from "../../../../src/discord/gateway/lifecycle/advance.ts";
import { RECONNECT } from "../../../support/gateway/reconnect_rules.ts";

describe("[G3] meaningOf()", () => {
  for (const code of [4004, 4010, 4011, 4012, 4013, 4014]) {
    it(`treats ${code} as final, with advice for the operator`, () => {
      const { recovery, hint } = meaningOf(code);
      assert.equal(recovery, "final");
      assert.ok(hint);
    });
  }

  it("names the token, the intents and the portal's page", () => {
    assert.match(meaningOf(4004).hint!, /token.*https:\/\/discord\.com\/developers\/applications/);
    assert.match(meaningOf(4014).hint!, /Message Content Intent.*discord\.com\/developers/);
    assert.doesNotMatch(meaningOf(4014).hint!, /Members/, "the config key of the intents");
  });
});

const LOST: LostConnection = {
  cause: { kind: "closed", code: 4000, reason: "secret words" },
  attempt: 1,
  livedMs: 10_920_000,
  during: "ready",
  next: { kind: "resume", delayMs: 740, isDown: false },
  isSessionLost: false,
  failedResumes: 0,
  isResumeGivenUp: false,
};

describe("[G3] closeLine()", () => {
  const lines: readonly [Partial<LostConnection>, string][] = [
    [
      {},
      "Discord closed the connection: 4000, unknown error; it had lived 3 h 2 min; resuming in 0.7 s",
    ],
    [
      {
        cause: { kind: "closed", code: 4009, reason: "" },
        livedMs: 40_000,
        next: { kind: "identify", delayMs: 5_000, isDown: true },
        isSessionLost: true,
      },
      "Discord closed the connection: 4009, session timed out; it had lived 40 s; " +
      "the session is lost; a new session in 5.0 s, and counted as down",
    ],
    [
      { cause: { kind: "reconnect_asked" }, next: { kind: "resume", delayMs: 0, isDown: false } },
      "Discord asked for a new connection (op 7); it had lived 3 h 2 min; resuming at once",
    ],
    [
      { cause: { kind: "zombie" }, livedMs: 200_000_000 },
      "Barnacle closed the connection: a heartbeat was not acknowledged; it had lived 2 d 7 h; " +
      "resuming in 0.7 s",
    ],
    [
      { cause: { kind: "invalid_session", canResume: false }, livedMs: 12 * 60_000 },
      "Discord called the session invalid (op 9, not resumable); it had lived 12 min; " +
      "resuming in 0.7 s",
    ],
    [
      {
        cause: { kind: "hole" },
        next: { kind: "identify", delayMs: 700, isDown: false },
        isSessionLost: true,
      },
      "Barnacle closed the connection: the session lacks events; " +
      "it had lived 3 h 2 min; the session is lost; a new session in 0.7 s",
    ],
  ];
  for (const [fields, line] of lines) {
    it(line, () => assert.equal(closeLine({ ...LOST, ...fields }), line));
  }

  const stages: readonly [LostConnection["during"], string][] = [
    ["connecting", "Could not connect: no TLS in time"],
    ["greeting", "The network ended the connection before HELLO: no TLS in time"],
    ["permitting", "The network ended the connection before IDENTIFY: no TLS in time"],
    ["identifying", "The network ended the connection before READY: no TLS in time"],
    ["resuming", "The network ended the connection before RESUMED: no TLS in time"],
    ["ready", "The network ended the connection: no TLS in time"],
  ];
  for (const [during, line] of stages) {
    it(`[G10] tells the awaited step: ${during}`, () => {
      const cause = { kind: "closed", reason: "no TLS in time" } as const;
      assert.equal(closeLine({ ...LOST, cause, during }).split(";")[0], line);
    });
  }

  it("names the network's error if connecting failed", () => {
    const { livedMs: _, ...lost } = LOST;
    const cause = { kind: "closed", reason: "ECONNREFUSED" } as const;
    assert.equal(
      closeLine({ ...lost, cause, during: "connecting" }),
      "Could not connect: TCP: no server listens there (ECONNREFUSED); " +
        "it was not ready yet; resuming in 0.7 s",
    );
  });

  it("ends with the advice if there are no more tries", () => {
    const next = { kind: "stop", code: 4004, hint: "Copy the token anew." } as const;
    assert.match(closeLine({ ...LOST, next }), /no more tries with the same settings: Copy the/);
  });
});

describe("[G10] explainReason()", () => {
  const reasons: readonly [reason: string, meaning: RegExp][] = [
    ["ENOTFOUND", /^the name/],
    ["EAI_AGAIN", /^the name/],
    ["ECONNREFUSED", /^TCP: no server listens/],
    ["EHOSTUNREACH", /^TCP: no route/],
    ["ENETUNREACH", /^TCP: no route/],
    ["ETIMEDOUT", /^TCP: no answer/],
    ["ECONNRESET", /^TCP: .*reset/],
    ["CERT_HAS_EXPIRED", /^TLS: the certificate/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /^TLS: the certificate/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /^TLS: the certificate/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /^TLS: the certificate/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /^TLS: the server does not/],
    ["EPROTO", /^TLS: the server does not/],
    ["HTTP 403", /^the upgrade/],
    ["not an answer to an upgrade", /^the upgrade/],
  ];
  for (const [reason, meaning] of reasons) {
    it(`explains ${reason} by ${meaning.source}`, () => {
      assert.match(explainReason(reason) ?? "", meaning);
    });
  }

  for (const reason of ["connection broke", "no TLS in time", "the proxy: ECONNREFUSED", ""]) {
    it(`leaves a sentence as it is: ${reason}`, () => {
      assert.equal(explainReason(reason), undefined);
    });
  }
});

const LOSS: Loss = { code: 1006, hasSession: true, attempt: 1 };
const ALMOST_ONE = 1 - Number.EPSILON;

it("[G10] backoffOf() › gives the bounds of the random delays", () => {
  assert.deepEqual(backoffOf("identify", RECONNECT), {
    minDelayMs: 500,
    maxDelayMs: 60_000,
    base: 1.5,
  });
  assert.equal(backoffOf("resume", RECONNECT).maxDelayMs, 8_000);
  assert.equal(backoffOf("resume", { ...RECONNECT, backoffMaxSec: 5 }).maxDelayMs, 5_000);
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
    ["longer with each failure", { attempt: 4 }, {}, [500, 3_374]],
    ["8 s at most to resume", { attempt: 8 }, {}, [500, 7_999]],
    ["longer than 8 s to identify", { attempt: 8, hasSession: false }, {}, [500, 17_085]],
    ["longer than 8 s after 4009", { attempt: 8, code: 4009 }, {}, [500, 17_085]],
    ["no longer than configured", { attempt: 8 }, { backoffMaxSec: 5 }, [500, 4_999]],
    ["by the configured base", { attempt: 3 }, { backoffBase: 2 }, [500, 3_999]],
    ["10 s at least after 4008", { code: 4008 }, {}, [10_000, 10_000]],
    ["longer after 4008", { code: 4008, attempt: 8, hasSession: false }, {}, [10_000, 17_085]],
    ["the maximum once down", { attempt: 11, hasSession: false }, {}, [60_000, 60_000]],
    ["8 s to resume once down", { attempt: 11 }, {}, [8_000, 8_000]],
    ["not at all if Discord asked for it", { isAtOnce: true, attempt: 5 }, {}, [0, 0]],
    ["as long as op 9 requires", { minDelayMs: 4_321 }, {}, [4_321, 4_321]],
    ["longer if due", { minDelayMs: 1_000, attempt: 8, hasSession: false }, {}, [1_000, 17_085]],
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
