import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startRecorder } from "../../../src/extras/dashboard/recorder.ts";
import type { Trend } from "../../../src/store/figures.ts";
import type { RecentTurn } from "../../../src/store/messages/messages.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { HEALTHY } from "../../support/bot/health.ts";

const MINUTE = 60_000;

function recording() {
  const clock = new FakeClock();
  const stored: (readonly Trend[])[] = [];
  const { log, lines } = recordingLog();
  const state = {
    waiting: 0,
    unsent: 0,
    accepted: 10,
    ignored: 90,
    turns: [] as Partial<RecentTurn>[],
    isBroken: false,
  };
  const recorder = startRecorder({
    bot: {
      refresh: () => Promise.resolve(),
      snapshot: () => ({
        ...HEALTHY,
        inbox: { waiting: state.waiting, running: 0, oldestMs: 0 },
        outbox: { ...HEALTHY.outbox, pending: state.unsent, sending: 0 },
      }),
    },
    store: {
      trends: {
        addMinutes: (minutes) =>
          state.isBroken
            ? Promise.reject(new Error("full"))
            : Promise.resolve(void stored.push(minutes)),
        trendsSince: () => Promise.resolve([]),
      },
      health: () =>
        Promise.resolve({
          decisions: [
            { verdict: "accept", why: "mentioned", count: state.accepted },
            { verdict: "ignore", why: "no-mention", count: state.ignored },
          ],
        } as never),
      messages: { recentTurns: () => Promise.resolve(state.turns) } as never,
    },
    now: clock.now,
    schedule: clock.schedule,
    log,
  });
  const pass = async (ms: number) => {
    for (let done = 0; done < ms; done += 15_000) {
      clock.advance(15_000);
      await settle();
    }
  };
  return { recorder, state, stored, pass, clock, lines };
}

describe("[O6] startRecorder()", () => {
  it("counts the decisions and turns of each minute, and the longest queues", async () => {
    const { recorder, state, pass, clock } = recording();
    await pass(MINUTE);
    const at = clock.now();
    state.accepted += 2;
    state.ignored += 5;
    state.waiting = 4;
    await pass(15_000);
    state.waiting = 0;
    state.unsent = 1;
    state.turns = [
      { state: "answered", acceptedAt: at, finishedAt: at + 100 },
      { state: "answered", acceptedAt: at, finishedAt: at + 900 },
      { state: "answered", acceptedAt: at, finishedAt: at + 300 },
      { state: "failed", acceptedAt: at, finishedAt: at + 10 },
      { state: "answered", acceptedAt: at - MINUTE, finishedAt: at - 1 }, // of the minute before
    ];
    await pass(45_000);
    assert.deepEqual(recorder.unstored().at(-1), {
      at,
      accepted: 2,
      ignored: 5,
      answers: 3,
      failures: 1,
      medianMs: 300,
      slowestMs: 900,
      waiting: 4,
      unsent: 1,
    });
  });

  it("stores five minutes together, and the rest at its end", async () => {
    const { recorder, stored, pass, clock } = recording();
    await pass(6 * MINUTE);
    assert.deepEqual(stored.map((minutes) => minutes.length), [5]);
    assert.equal(recorder.unstored().length, 1);
    await recorder.close();
    assert.deepEqual(stored.map((minutes) => minutes.length), [5, 1]);
    assert.equal(clock.pending, 0);
  });

  it("logs a failure of the store once, and goes on", async () => {
    const { state, stored, pass, lines } = recording();
    state.isBroken = true;
    await pass(5 * MINUTE);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 1);
    state.isBroken = false;
    await pass(5 * MINUTE);
    assert.equal(stored.length, 1);
  });
});
