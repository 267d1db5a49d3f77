import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTurnLimit } from "../../../../src/flows/turn/control/turn_limit.ts";

/** A limit with members that count their calls of `wake`. */
function setUp(size: number) {
  const limit = createTurnLimit(() => size);
  const woken = { one: 0, two: 0 };
  const one = limit.join(() => void woken.one++);
  const two = limit.join(() => void woken.two++);
  return { one, two, woken };
}

describe("[S5] createTurnLimit()", () => {
  it("has its number of places for all accounts together", () => {
    const { one, two } = setUp(2);
    assert.deepEqual([one.take(), two.take(), one.take(), two.take()], [true, true, false, false]);
    one.end();
    assert.deepEqual([two.take(), one.take()], [true, false]);
  });

  it("wakes only members that found it full when a place is given back, once", () => {
    const { one, two, woken } = setUp(1);
    assert.equal(one.take(), true);
    assert.equal(two.take(), false);
    one.giveBack();
    assert.deepEqual(woken, { one: 0, two: 1 });
    assert.equal(two.take(), true);
    two.giveBack();
    assert.deepEqual(woken, { one: 0, two: 1 }); // or the two would wake each other for ever
  });

  it("wakes all members at the end of a turn, since accounts can share its session", () => {
    const { one, woken } = setUp(4);
    one.take();
    one.end();
    assert.deepEqual(woken, { one: 1, two: 1 });
  });

  it("wakes no member that has left", () => {
    const { one, two, woken } = setUp(1);
    one.take();
    two.take();
    two.leave();
    one.end();
    assert.deepEqual(woken, { one: 1, two: 0 });
  });

  it("follows a changed size", () => {
    let size = 1;
    const member = createTurnLimit(() => size).join(() => {});
    member.take();
    assert.equal(member.take(), false);
    size = 2;
    assert.equal(member.take(), true);
  });
});
