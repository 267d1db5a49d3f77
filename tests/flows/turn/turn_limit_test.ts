import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { userId } from "../../support/discord/builders.ts";
import { createTurnLimit } from "../../../src/flows/limits.ts";

const stranger = (id: string) => ({ id: userId(id), isOwner: () => false });
const OWNER = { id: userId("1"), isOwner: () => true };

/** A limit with members that count their calls of `wake`. */
function setUp(size: number) {
  const limit = createTurnLimit(() => size);
  const woken = { one: 0, two: 0 };
  const one = limit.join(() => void woken.one++);
  const two = limit.join(() => void woken.two++);
  return { one, two, woken };
}

describe("[S5] createTurnLimit() side by side", () => {
  it("keeps one more place for sessions without a running turn", () => {
    const { one } = setUp(4);
    for (const id of ["7", "8"]) {
      one.take();
      one.begin(stranger(id));
    }
    one.take();
    const admitted = [stranger("9"), OWNER].map((person) => one.admits(person, true));
    assert.deepEqual(admitted, [false, true]);
    assert.equal(one.admits(stranger("9")), true);
  });
});

describe("[S5] createTurnLimit()", () => {
  it("has its number of places for all accounts together", () => {
    const { one, two } = setUp(2);
    assert.equal(one.take(), true);
    const end = one.begin(stranger("7"));
    assert.equal(two.take(), true);
    two.begin(OWNER);
    assert.deepEqual([one.take(), two.take()], [false, false]);
    end();
    assert.deepEqual([two.take(), one.take()], [true, false]);
  });

  it("[X4a] lets a person have one turn at a time, and an owner several", () => {
    const { one, two } = setUp(8);
    assert.equal(one.take(), true);
    const end = one.begin(stranger("7"));
    one.take();
    assert.deepEqual([one.admits(stranger("7")), two.admits(stranger("7"))], [false, false]);
    assert.equal(one.admits(stranger("8")), true);
    assert.equal(one.admits({ ...stranger("7"), id: undefined }), true, "nobody waits for it");
    one.begin(OWNER);
    two.take();
    assert.equal(two.admits(OWNER), true);
    end();
    assert.equal(two.admits(stranger("7")), true);
  });

  it("[X4a] lets one account claim at a time, so that two give no place twice", () => {
    const { one, two, woken } = setUp(2);
    assert.equal(one.take() && one.admits(stranger("7")), true);
    assert.equal(two.take(), false, "it waits for the other's choice");
    one.begin(stranger("7"));
    assert.deepEqual(woken, { one: 0, two: 1 });
    assert.equal(two.take(), true);
    const admitted = [stranger("7"), stranger("8"), OWNER].map((person) => two.admits(person));
    assert.deepEqual(admitted, [false, false, true]);
  });

  it("[X4a] keeps a place for owners, if there is more than one", () => {
    const { one, two } = setUp(4);
    const ends = ["7", "8", "9"].map((id) => {
      assert.equal(one.take() && one.admits(stranger(id)), true);
      return one.begin(stranger(id));
    });
    assert.equal(two.take(), true);
    assert.deepEqual([two.admits(stranger("10")), two.admits(OWNER)], [false, true]);
    two.begin(OWNER)();
    ends[0]?.();
    assert.equal(two.take() && two.admits(stranger("10")), true);
    const { one: only } = setUp(1);
    assert.equal(only.take() && only.admits(stranger("7")), true);
  });
});
