import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startKeepAlive } from "../../../src/http/monitor/watchdog.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

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
