import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  startKeepAlive,
  startWatchdog,
  statusLine,
  STILL_MAX_MS,
} from "../../../src/http/monitor/watchdog.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { HEALTHY, NOW, only, READY } from "../../support/bot/health.ts";
import { recordingLog } from "../../support/recording_log.ts";

type Part = "mainAt" | "gatewayAt" | "storeAt";

/** A bot whose parts move at each check, unless a test stops them. */
function bot({ watchdogMs, isListening = true, isHeard = () => true }: {
  readonly watchdogMs?: number;
  readonly isListening?: boolean;
  readonly isHeard?: (state: string) => boolean;
}) {
  const clock = new FakeClock(0);
  const { log, lines } = recordingLog();
  const sent: string[] = [];
  const refreshes: number[] = [];
  const held = new Set<Part>();
  const last = { mainAt: 0, gatewayAt: 0, storeAt: 0 };
  let status = "pass  running";
  /** A wall clock that is wrong by a year, and jumps. */
  let skewMs = 0;
  let stalledMs = 0;
  const tick = (part: Part): number => {
    if (!held.has(part)) last[part] = clock.now() + skewMs;
    return last[part];
  };
  const watchdog = startWatchdog({
    notify(state) {
      if (!isHeard(state)) return false;
      sent.push(state);
      return true;
    },
    isListening,
    ...(watchdogMs !== undefined && { watchdogMs }),
    refresh: () => Promise.resolve(void refreshes.push(clock.now())),
    facts: () => ({
      mainTickAt: tick("mainAt"),
      gatewayTickAt: tick("gatewayAt"),
      store: { answeredAt: tick("storeAt") },
    }),
    status: () => status,
    steadyNow: () => clock.now() + stalledMs,
    schedule: clock.schedule,
    log,
  });
  return {
    clock,
    watchdog,
    sent,
    pings: () => sent.filter((state) => state === "WATCHDOG=1").length,
    refreshes,
    lines,
    hold: (part: Part) => held.add(part),
    free: (part: Part) => held.delete(part),
    setStatus: (next: string) => void (status = next),
    jump: (ms: number) => void (skewMs += ms),
    /** The main thread runs nothing for a while, its timers neither. */
    stall: (ms: number) => void (stalledMs += ms),
  };
}

const SEC = 1_000;

describe("[O4] startWatchdog()", () => {
  it("reads from the store at each ping, and has no timer without a service manager", () => {
    const managed = bot({ watchdogMs: 30_000 });
    managed.watchdog.ready();
    managed.clock.advance(30_000);
    assert.deepEqual(managed.refreshes, [10_000, 20_000, 30_000]);
    const alone = bot({ isListening: false });
    alone.watchdog.ready();
    alone.clock.advance(600_000);
    assert.deepEqual(alone.refreshes, []);
  });

  it("reports readiness once, together with the status", () => {
    const { clock, watchdog, sent } = bot({});
    clock.advance(60 * SEC);
    assert.deepEqual(sent, []);
    watchdog.ready();
    clock.advance(60 * SEC);
    assert.deepEqual(sent, ["READY=1", "STATUS=pass  running"]);
    watchdog.stop();
  });

  it("reports readiness again if the first report was lost", () => {
    let isDeaf = true;
    const { clock, watchdog, sent } = bot({ isHeard: () => !isDeaf });
    watchdog.ready();
    assert.deepEqual(sent, []);
    isDeaf = false;
    clock.advance(30 * SEC);
    assert.deepEqual(sent, ["READY=1", "STATUS=pass  running"]);
    watchdog.stop();
  });

  it("reports each change of the status in one line", () => {
    const { clock, watchdog, sent, setStatus } = bot({});
    watchdog.ready();
    setStatus("warn  running,\nREADY=0\u0085 gateway:connection backoff" + "x".repeat(500));
    clock.advance(30 * SEC);
    assert.equal(sent.length, 3);
    const told = sent.at(-1) ?? "";
    assert.match(told, /^STATUS=warn {2}running, READY=0 {2}gateway:connection backoffx+$/);
    assert.equal(told.length, "STATUS=".length + 200);
    watchdog.stop();
  });

  it("pings every third of the manager's time-out", () => {
    const { clock, watchdog, pings } = bot({ watchdogMs: 30 * SEC });
    watchdog.ready();
    clock.advance(9_999);
    assert.equal(pings(), 0);
    clock.advance(1);
    assert.equal(pings(), 1);
    clock.advance(50 * SEC);
    assert.equal(pings(), 6);
    watchdog.stop();
  });

  it("pings at most ten times a second, even if the unit asks for more", () => {
    const { clock, watchdog, pings } = bot({ watchdogMs: 0.001 });
    clock.advance(1 * SEC);
    assert.equal(pings(), 10);
    watchdog.stop();
  });

  const PARTS: readonly (readonly [Part, string, RegExp])[] = [
    ["gatewayAt", "skipped_gateway", /gateway thread stands still/],
    ["storeAt", "skipped_store", /store does not answer/],
    ["mainAt", "skipped_agent", /scheduler stands still/],
  ];
  for (const [part, result, words] of PARTS) {
    it(`logs the reason once and stops the pings: ${result}; pings again after recovery`, () => {
      const { clock, watchdog, pings, lines, hold, free } = bot({ watchdogMs: 30 * SEC });
      watchdog.ready();
      clock.advance(10 * SEC);
      hold(part);
      clock.advance(30 * SEC);
      assert.equal(pings(), 4);
      clock.advance(10 * SEC);
      clock.advance(30 * SEC);
      assert.equal(pings(), 4);
      assert.deepEqual(lines.map(({ level }) => level), ["error"]);
      assert.match(lines[0]?.event ?? "", words);
      free(part);
      clock.advance(10 * SEC);
      assert.equal(pings(), 5);
      watchdog.stop();
    });
  }

  it("mistakes no jump of the wall clock for movement or a standstill", () => {
    const { clock, watchdog, pings, hold, jump } = bot({ watchdogMs: 30 * SEC });
    for (const ms of [365 * 24 * 3_600 * SEC, -400 * 24 * 3_600 * SEC]) {
      jump(ms);
      clock.advance(10 * SEC);
    }
    assert.equal(pings(), 2);
    hold("gatewayAt");
    jump(-3_600 * SEC);
    clock.advance(50 * SEC);
    assert.equal(pings(), 5);
    watchdog.stop();
  });

  it("blames no part for a pause of its own thread", () => {
    const { clock, watchdog, pings, lines, hold, stall } = bot({ watchdogMs: 30 * SEC });
    clock.advance(10 * SEC);
    for (const part of ["mainAt", "gatewayAt", "storeAt"] as const) hold(part);
    stall(60 * SEC);
    clock.advance(20 * SEC);
    assert.equal(pings(), 3);
    clock.advance(20 * SEC);
    assert.match(lines[0]?.event ?? "", /gateway thread/);
    assert.equal(lines.length, 1);
    watchdog.stop();
  });

  it("reports that it stops, with the time limit, and no status after that", () => {
    const { clock, watchdog, sent, setStatus } = bot({ watchdogMs: 30 * SEC });
    watchdog.ready();
    watchdog.stopping(25_000);
    assert.equal(sent.at(-1), "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=25000000");
    setStatus("warn  draining");
    clock.advance(10 * SEC);
    assert.equal(sent.at(-1), "WATCHDOG=1");
    assert.ok(!sent.some((state) => state.includes("draining")));
    watchdog.stop();
    assert.equal(clock.pending, 0);
  });

  it("never pings longer than the limit plus one check after a part stops", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 120_000 }),
        fc.constantFrom<Part>("mainAt", "gatewayAt", "storeAt"),
        fc.integer({ min: 0, max: 300_000 }),
        (watchdogMs, part, heldAt) => {
          const { clock, watchdog, hold, sent } = bot({ watchdogMs });
          clock.advance(heldAt);
          hold(part);
          clock.advance(STILL_MAX_MS + watchdogMs);
          const before = sent.length;
          clock.advance(3 * watchdogMs);
          assert.equal(sent.length, before);
          watchdog.stop();
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("[O4] statusLine()", () => {
  it("reports that all is well", () => assert.equal(statusLine(HEALTHY, NOW), "pass  running"));

  it("lists the failing checks, worst first, as `barnacle status` does", () => {
    const snapshot = {
      ...HEALTHY,
      ...only({ connection: { ...READY, state: "backoff", readyAt: NOW - 5_000 } }),
      store: { ...HEALTHY.store, isFailing: true },
    };
    assert.equal(
      statusLine(snapshot, NOW),
      "fail  running, fail storage:write the last write failed; the log has the reason, warn gateway:connection default waiting before the next attempt",
    );
  });
});

const MIN = 60_000;

type Answer = number | Error | "hangs";

function keeper({ url = "https://bot.example.org", answers = [200] }: {
  readonly url?: string;
  readonly answers?: readonly Answer[];
} = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const visited: string[] = [];
  let isAlive = true;
  const keepAlive = startKeepAlive({
    url,
    visit(address, signal) {
      const answer = answers[Math.min(visited.length, answers.length - 1)] ?? 200;
      visited.push(address.href);
      if (typeof answer === "number") return Promise.resolve(answer);
      if (answer !== "hangs") return Promise.reject(answer);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true })
      );
    },
    isAlive: () => isAlive,
    schedule: clock.schedule,
    log,
  });
  return {
    clock,
    visited,
    lines,
    stop: keepAlive.stop,
    die: () => void (isAlive = false),
    /** Advances the clock, and lets pending requests finish. */
    async pass(ms: number) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe("[O9] startKeepAlive()", () => {
  it("visits its own /livez every four minutes", async () => {
    const { pass, visited, lines, stop } = keeper();
    await pass(4 * MIN - 1);
    assert.deepEqual(visited, []);
    await pass(1);
    assert.deepEqual(visited, ["https://bot.example.org/livez"]);
    await pass(4 * MIN);
    assert.equal(visited.length, 2);
    assert.deepEqual(lines, []);
    stop();
  });

  const ADDRESSES: readonly (readonly [url: string, visited: string])[] = [
    ["https://bot.example.org/", "https://bot.example.org/livez"],
    ["http://bot.example.org:8787", "http://bot.example.org:8787/livez"],
    ["https://example.org/bots/one", "https://example.org/bots/one/livez"],
    ["https://example.org/bots/one/?key=1", "https://example.org/bots/one/livez?key=1"],
  ];
  for (const [url, expected] of ADDRESSES) {
    it(`visits ${expected} for ${url}`, async () => {
      const { pass, visited, stop } = keeper({ url });
      await pass(4 * MIN);
      assert.deepEqual(visited, [expected]);
      stop();
    });
  }

  it("lets the host stop a bot that is not alive", async () => {
    const { pass, visited, die, stop } = keeper();
    die();
    await pass(20 * MIN);
    assert.deepEqual(visited, []);
    stop();
  });

  it("warns once about a failing visit, and logs the recovery once", async () => {
    const { pass, lines, stop } = keeper({ answers: [new Error("no route"), 502, 200, 200, 503] });
    for (let visit = 0; visit < 5; visit++) await pass(4 * MIN);
    assert.deepEqual(lines.map(({ level }) => level), ["warn", "info", "warn"]);
    assert.match(String(lines[0]?.fields["error"]), /no route/);
    assert.equal(lines[2]?.fields["status"], 503);
    stop();
  });

  it("names the key that rejects visitors, if there is one", async () => {
    const { pass, lines, stop } = keeper({ answers: [403] });
    await pass(4 * MIN);
    assert.equal(lines[0]?.fields["hint"], "Set http.publicUrl to https://bot.example.org");
    stop();
  });

  it("waits ten seconds for an answer", async () => {
    const { pass, lines, stop } = keeper({ answers: ["hangs", 200] });
    await pass(4 * MIN);
    await pass(9_999);
    assert.equal(lines.length, 0);
    await pass(1);
    assert.match(String(lines[0]?.fields["error"]), /No answer in 10 s/);
    stop();
  });

  it("cancels a running visit when it is stopped, without a warning", async () => {
    const { pass, lines, clock, stop } = keeper({ answers: ["hangs"] });
    await pass(4 * MIN);
    stop();
    await pass(0);
    assert.deepEqual(lines, []);
    assert.equal(clock.pending, 0);
  });
});
