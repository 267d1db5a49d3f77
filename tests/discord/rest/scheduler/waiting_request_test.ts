import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endWait, limitWait } from "../../../../src/discord/rest/scheduler/request_queue.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { request } from "./request.ts";

function setUp(withinMs: number, signal?: AbortSignal) {
  const clock = new FakeClock();
  const over: string[] = [];
  const waiting = request({ notAfter: clock.now() + withinMs, signal });
  const onOver = (why: string) => {
    over.push(why);
    endWait(waiting);
  };
  const begin = () => limitWait(waiting, clock, onOver);
  return { clock, over, waiting, begin };
}

describe("[D6] limitWait()", () => {
  it("ends the wait at the deadline", () => {
    const { clock, over, begin } = setUp(500);
    begin();
    clock.advance(500);
    assert.deepEqual(over, []);
    clock.advance(1);
    assert.deepEqual(over, ["late"]);
    assert.equal(clock.pending, 0);
  });

  it("ends the wait once when the signal aborts", () => {
    const abort = new AbortController();
    const { clock, over, begin } = setUp(500, abort.signal);
    begin();
    abort.abort();
    clock.advance(1_000);
    assert.deepEqual(over, ["aborted"]);
    assert.equal(clock.pending, 0);
  });

  it("sets no timer without a deadline, or after the wait", () => {
    const { clock, begin } = setUp(Infinity);
    begin();
    assert.equal(clock.pending, 0);
    const ended = setUp(500);
    assert.deepEqual([endWait(ended.waiting), endWait(ended.waiting)], [true, false]);
    ended.begin();
    assert.equal(ended.clock.pending, 0);
  });

  it("sets no timer that overflows", () => {
    const { clock, over, begin } = setUp(3 * 2 ** 31);
    begin();
    clock.advance(3 * 2 ** 31);
    assert.deepEqual(over, []);
    clock.advance(1);
    assert.deepEqual(over, ["late"]);
  });
});
