import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { closeLine } from "../../../../src/discord/gateway/lifecycle/close_codes.ts";
import type { LostConnection } from "../../../../src/discord/gateway/lifecycle/state.ts";

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
    assert.match(
      closeLine({ ...LOST, next }),
      /no more tries with the same settings: Copy the token anew\.$/,
    );
  });
});
