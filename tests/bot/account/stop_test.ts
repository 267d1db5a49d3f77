/** Tests how an account stops, on a clock of the test. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { stopParts } from "../../../src/bot/account/running.ts";
import type { StartTimer } from "../../../src/lib/clock.ts";

const GRACE_SEC = 20;

/** Parts that stop at once, but for the given ones. */
function setUp(given: {
  readonly answered?: () => Promise<void>;
  readonly drain?: () => Promise<void>;
  readonly closed?: () => Promise<void>;
}) {
  const timers = new Map<number, () => void>();
  const schedule: StartTimer = (run, ms) => {
    timers.set(ms, run);
    return () => void timers.delete(ms);
  };
  const stopping = new AbortController();
  const done: string[] = [];
  const stop = (name: string) => () => Promise.resolve(void done.push(name));
  const parts = {
    account: { schedule, live: new Map(), forPart: () => ({}) },
    settings: { config: { shutdown: { graceSec: GRACE_SEC } } },
    client: { hurry: stop("hurry") },
    connectionState: { stop() {} },
    outbound: { stop() {}, channelQueues: { drain: given.drain ?? stop("drain"), stop() {} } },
    inbound: { answered: given.answered ?? stop("answered"), stop: stop("inbound") },
    catchUp: { stop: stop("catch-up") },
    turns: { stop: stop("turns") },
    duplicates: { stop() {} },
    connection: { stats: () => ({}), stop: given.closed ?? stop("closed") },
    extras: { stop() {} },
    questions: { stop() {} },
    stopping,
  };
  const stopped = stopParts(
    parts as unknown as Parameters<typeof stopParts>[0],
    () => assert.fail(),
  );
  let hasStopped = false;
  void stopped.then(() => hasStopped = true);
  return {
    done,
    timers,
    isStopping: () => !stopping.signal.aborted,
    /** Lets the time come for which a timer waits, and all that follows. */
    async after(ms: number): Promise<void> {
      const run = timers.get(ms);
      assert.ok(run, `no timer of ${ms} ms`);
      timers.delete(ms);
      run();
      await setImmediate();
    },
    async hasStopped(): Promise<boolean> {
      await setImmediate();
      return hasStopped;
    },
  };
}

const never = () => new Promise<void>(() => {});

describe("[G12] the stop of an account", () => {
  it("ends the pace of answers first, and leaves no timer", async () => {
    const { done, hasStopped, timers } = setUp({});
    assert.equal(await hasStopped(), true);
    assert.equal(done[0], "hurry");
    assert.deepEqual([done.at(-1), timers.size], ["inbound", 0]);
  });

  it("[X4a] waits three seconds for answers to commands, and no longer", async () => {
    const { after, done, hasStopped, isStopping, timers } = setUp({ answered: never });
    assert.equal(await hasStopped(), false);
    assert.deepEqual([...timers.keys()], [GRACE_SEC * 1_000, 3_000]);
    assert.ok(isStopping());
    await after(3_000);
    assert.equal(await hasStopped(), true);
    assert.deepEqual([done.at(-1), timers.size], ["inbound", 0]);
  });

  it("[X4a] has the same three seconds for commands that come while the gateway closes", async () => {
    const closed = Promise.withResolvers<void>();
    const asked: string[] = [];
    const { after, hasStopped } = setUp({
      answered: () => asked.push("answered") === 1 ? Promise.resolve() : never(),
      closed: () => closed.promise,
    });
    assert.equal(await hasStopped(), false);
    closed.resolve();
    assert.equal(await hasStopped(), false);
    assert.equal(asked.length, 2);
    await after(3_000);
    assert.equal(await hasStopped(), true);
  });

  it("waits for replies until the grace period ends", async () => {
    const { after, hasStopped } = setUp({ drain: never });
    assert.equal(await hasStopped(), false);
    await after(3_000);
    assert.equal(await hasStopped(), false);
    await after(GRACE_SEC * 1_000);
    assert.equal(await hasStopped(), true);
  });
});
