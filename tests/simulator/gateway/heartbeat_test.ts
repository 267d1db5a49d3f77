import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccounts } from "../../../simulator/gateway/accounts.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { createHeartbeatMonitor } from "../../../simulator/gateway/heartbeat.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const INTERVAL_MS = 40_000;

function started() {
  const clock = new FakeClock();
  const { world, barnacle } = demoWorld();
  const account = createAccounts(world).of(barnacle);
  let stops = 0;
  const heart = createHeartbeatMonitor({
    now: clock.now,
    intervalMs: INTERVAL_MS,
    later: (ms, action) => clock.schedule(action, ms),
    stopped: () => stops += 1,
  });
  heart.start();
  return { clock, account, heart, session: { id: "s", account }, stops: () => stops };
}

describe("[G1] createHeartbeatMonitor()", () => {
  it("records each beat's lateness, and counts those over a second", () => {
    const { clock, account, heart, session } = started();
    for (const waitMs of [1_000, 40_000, 41_000, 41_001]) {
      clock.advance(waitMs);
      heart.beat(session, 7);
    }
    assert.deepEqual(account.beats.map(({ lateMs }) => lateMs), [0, 0, 1_000, 1_001]);
    assert.deepEqual(account.beats.map(({ seq }) => seq), [7, 7, 7, 7]);
    assert.equal(account.heartbeats, 4);
    assert.equal(account.lateBeats, 1);
  });

  it("counts lateness from HELLO, although the session began later", () => {
    const { clock, account, heart, session } = started();
    clock.advance(INTERVAL_MS + 1_500);
    heart.beat(undefined, null);
    assert.equal(account.heartbeats, 0);
    clock.advance(INTERVAL_MS + 1_500);
    heart.beat(session, null);
    assert.deepEqual(account.beats.map(({ lateMs }) => lateMs), [1_500]);
  });

  it("records the time of the answer to op 1, for that beat alone", () => {
    const { clock, account, heart, session } = started();
    heart.ask();
    clock.advance(30);
    heart.beat(session, null);
    clock.advance(30);
    heart.beat(session, null);
    assert.deepEqual(account.beats.map(({ askedMs }) => askedMs), [30, undefined]);
  });

  it("stops two intervals and a second after the last beat, and not before", () => {
    const { clock, heart, session, stops } = started();
    clock.advance(INTERVAL_MS);
    heart.beat(session, null);
    clock.advance(2 * INTERVAL_MS + 999);
    assert.equal(stops(), 0);
    clock.advance(1);
    assert.equal(stops(), 1);
    assert.equal(clock.pending, 0);
  });
});
