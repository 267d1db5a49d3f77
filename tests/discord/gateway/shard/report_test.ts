import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCounters } from "../../../../src/discord/gateway/link/protocol.ts";
import { type LostConnection } from "../../../../src/discord/gateway/lifecycle/advance.ts";
import type { FromWorker } from "../../../../src/discord/gateway/link/protocol.ts";
import { createShardReport } from "../../../../src/discord/gateway/shard/shard.ts";
import { gatewayOptions, TOKEN } from "../../../support/gateway/gateway_shard.ts";

const LOST: LostConnection = {
  cause: { kind: "closed", code: 4000, reason: "" },
  attempt: 2,
  during: "ready",
  next: { kind: "resume", delayMs: 740.4, isDown: false },
  isSessionLost: false,
  failedResumes: 0,
  isResumeGivenUp: false,
};

function create(fields: Parameters<typeof gatewayOptions>[1] = {}) {
  const messages: FromWorker[] = [];
  const counters = createCounters();
  const post = (message: FromWorker) => void messages.push(message);
  const report = createShardReport(gatewayOptions("ws://127.0.0.1", fields), post, counters);
  const lines = () =>
    messages.flatMap((message) =>
      message.kind === "log" ? [`${message.event} ${JSON.stringify(message.fields)}`] : []
    );
  return { report, messages, lines, counters };
}

describe("[G10] createShardReport()", () => {
  it("reports the back-off after a lost connection: attempt, delay and bounds", () => {
    const { report, lines } = create({ isConnectionDebug: true });
    report.lost(LOST, "the-session");
    assert.deepEqual(lines().slice(-1), [
      'Back-off {"next":"resume","attempt":2,"inMs":740,"minDelayMs":500,"maxDelayMs":8000,"base":1.5}',
    ]);
  });

  it("[G3] names Discord's reason for a close in the one line, without connection_debug", () => {
    const { report, lines } = create();
    const cause = { kind: "closed", code: 4009, reason: "Session timed out." } as const;
    report.lost({ ...LOST, cause }, undefined);
    assert.deepEqual(lines(), [
      "Discord closed the connection: 4009, session timed out; it was not ready yet; " +
      'resuming in 0.7 s {"cause":"4009","phase":"ready","reason":"Session timed out."}',
    ]);
  });

  it("[G3] has no reason if Discord gives none, or if the line contains it", () => {
    const causes: readonly LostConnection["cause"][] = [
      { kind: "closed", code: 4000, reason: "" },
      { kind: "closed", reason: "ECONNRESET" },
      { kind: "garbled", reason: "the compressed stream is broken" },
      { kind: "zombie" },
    ];
    for (const cause of causes) {
      const { report, lines } = create();
      report.lost({ ...LOST, cause }, undefined);
      assert.doesNotMatch(lines().join(), /"reason":/);
    }
  });

  it("bounds the reason, and removes secrets and control characters from it", () => {
    const { report, lines } = create();
    const reason = `${TOKEN} the-session \u001b[31m\n\u202e${"x".repeat(500)}`;
    report.lost({ ...LOST, cause: { kind: "closed", code: 4000, reason } }, "the-session");
    const cleaned = /"reason":"(.*)"}/.exec(lines().join())?.[1] ?? "";
    assert.match(cleaned, /^… … {2}\[31m {2}x+…$/);
    assert.ok(cleaned.length <= 123, `${cleaned.length}`);
  });

  it("writes one line per lost connection without connection_debug", () => {
    const { report, lines } = create();
    report.debug("never", {});
    report.beat({ lateMs: 1 });
    report.identifyWait("spacing", 5_000);
    report.lost(LOST, undefined);
    assert.equal(lines().length, 1);
  });
});

describe("[G5] createShardReport()", () => {
  it("warns if the IDENTIFY budget is spent", () => {
    const { report, messages } = create();
    report.identifyWait("budget", 60_000);
    assert.ok(messages[0]?.kind === "log" && messages[0].level === "warn");
  });

  it("[G5a] explains why a session is lost: Discord's reason, or failed RESUMEs", () => {
    const lost: LostConnection = { ...LOST, isSessionLost: true };
    const why = (lost: LostConnection) => {
      const { report, lines } = create();
      report.lost(lost, "s");
      return lines().at(-1) ?? "";
    };
    assert.match(why(lost), /"why":"4000"/);
    assert.match(
      why({ ...lost, failedResumes: 3, isResumeGivenUp: true }),
      /"why":"3 RESUMEs in a row failed"/,
    );
  });

  it("counts a RESUME by its result", () => {
    const causes: readonly [LostConnection["cause"], string][] = [
      [{ kind: "invalid_session", canResume: false }, "invalid"],
      [{ kind: "late", waitedFor: "RESUMED" }, "timeout"],
      [{ kind: "zombie" }, "closed"],
    ];
    for (const [cause, outcome] of causes) {
      const { report, counters } = create();
      report.lost({ ...LOST, cause, during: "resuming" }, undefined);
      const { resumes } = counters.changed()!;
      assert.deepEqual(Object.entries(resumes).filter(([, count]) => count > 0), [[outcome, 1]]);
    }
  });
});
