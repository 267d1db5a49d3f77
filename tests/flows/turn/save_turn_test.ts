import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FinishedTurn, StoredTurn } from "../../../src/core/inbound/inbox.ts";
import type { PlanQueue } from "../../../src/core/outbound/queue.ts";
import { saveSteps, saveTurn } from "../../../src/flows/turn/save_turn.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const TURN: FinishedTurn = {
  claim: {
    message: directMessage(),
    route: { agentId: "main", sessionKey: "agent:main:main" },
    attempt: 1,
  },
  end: { kind: "answered" },
  entries: [],
  outbox: [],
};
const FAILED: FinishedTurn = { ...TURN, end: { kind: "failed", failureId: "1", reason: "x" } };
const STORED: StoredTurn = { stored: true, folded: 2, dropped: 1 };
const DISK_FULL = new Error("disk full");

/** A store that refuses this often before it accepts a turn. */
function setUp(refusals: readonly Error[]) {
  const left = [...refusals];
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const stopping = new AbortController();
  const taken: (readonly [turn: FinishedTurn, queue: PlanQueue | undefined])[] = [];
  const queue: PlanQueue = { maxQueueSize: 50, plan: () => ({ kind: "add" }) };
  const ports = {
    store: {
      finishTurn: (turn: FinishedTurn, _now: number, queue?: PlanQueue) => {
        const refusal = left.shift();
        if (refusal) return Promise.reject(refusal);
        taken.push([turn, queue]);
        return Promise.resolve(STORED);
      },
    },
    queue,
    isStoreDown: (error: unknown) => error === DISK_FULL,
    now: clock.now,
    schedule: clock.schedule,
    stopping: stopping.signal,
    log,
  };
  return { ports, clock, lines, stopping, taken, queue };
}

describe("[X2] saveSteps()", () => {
  /** Refuses to store with these errors, one after the other. */
  const refusing = (...errors: readonly Error[]) => {
    let tries = 0;
    const addSteps = () => {
      const error = errors[tries++];
      return error ? Promise.reject(error) : Promise.resolve();
    };
    return { addSteps, tries: () => tries };
  };

  it("retries as long as the disk is full", async () => {
    const { ports, clock, lines } = setUp([]);
    const { addSteps, tries } = refusing(DISK_FULL, DISK_FULL);
    const saved = saveSteps(addSteps, TURN.claim.message.id, ports);
    for (let wait = 0; wait < 2; wait += 1) {
      await settle();
      clock.advance(5_000);
    }
    await saved;
    assert.deepEqual([tries(), lines.length], [3, 2]);
  });

  it("throws the store's error once the process stops, and any other error at once", async () => {
    const { ports, stopping } = setUp([]);
    const full = refusing(DISK_FULL, DISK_FULL, DISK_FULL);
    const saved = saveSteps(full.addSteps, TURN.claim.message.id, ports);
    const rejected = assert.rejects(saved, DISK_FULL);
    await settle();
    stopping.abort();
    await rejected;
    assert.equal(full.tries(), 2);
    const other = new Error("The turn has ended");
    await assert.rejects(
      saveSteps(refusing(other).addSteps, TURN.claim.message.id, setUp([]).ports),
      other,
    );
  });
});

describe("saveTurn()", () => {
  it("[D4] passes on the plan of a full queue, and returns its result", async () => {
    const { ports, taken, queue } = setUp([]);
    assert.deepEqual(await saveTurn(TURN, ports, () => FAILED), STORED);
    assert.deepEqual(taken, [[TURN, queue]]);
  });

  it("[X2] retries as long as the disk is full", async () => {
    const { ports, clock, taken, lines } = setUp([DISK_FULL, DISK_FULL]);
    const saved = saveTurn(TURN, ports, () => FAILED);
    for (let wait = 0; wait < 2; wait += 1) {
      await settle();
      clock.advance(5_000);
    }
    assert.deepEqual(await saved, STORED);
    assert.deepEqual(taken.map(([turn]) => turn), [TURN]);
    assert.equal(lines.filter(({ level }) => level === "error").length, 2);
  });

  it("[R11] stores a failed turn if the store refuses the turn", async () => {
    const { ports, taken } = setUp([new Error("constraint")]);
    assert.deepEqual(await saveTurn(TURN, ports, () => FAILED), STORED);
    assert.deepEqual(taken.map(([turn]) => turn), [FAILED]);
  });

  it("throws the store's error if it refuses the failed turn as well", async () => {
    const { ports } = setUp([new Error("one"), new Error("two")]);
    await assert.rejects(saveTurn(TURN, ports, () => FAILED), /two/);
  });

  it("[G12] stores nothing once the process stops", async () => {
    const { ports, clock, stopping, taken } = setUp([DISK_FULL]);
    const saved = saveTurn(TURN, ports, () => FAILED);
    await settle();
    stopping.abort();
    assert.deepEqual(await saved, { stored: false, folded: 0, dropped: 0 });
    assert.deepEqual(taken, []);
    assert.equal(clock.pending, 0);
  });
});
