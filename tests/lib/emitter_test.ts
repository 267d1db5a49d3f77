import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEmitter, createHold } from "../../src/lib/emitter.ts";

describe("createEmitter()", () => {
  it("calls the handlers that were connected", () => {
    const seen: number[] = [];
    const events = createEmitter<{ counted(count: number): void }>();
    events.connect({ counted: (count) => void seen.push(count) });
    events.emit.counted(3);
    assert.deepEqual(seen, [3]);
  });

  it("throws on an event before handlers are connected", () => {
    const events = createEmitter<{ counted(count: number): void }>();
    assert.throws(() => events.emit.counted(3), TypeError);
  });

  it("throws on a second connection", () => {
    const events = createEmitter<{ counted(count: number): void }>();
    events.connect({ counted() {} });
    assert.throws(() => events.connect({ counted() {} }), TypeError);
  });
});

describe("createHold()", () => {
  it("holds calls of all its functions, and makes them in their order", () => {
    const seen: string[] = [];
    const hold = createHold();
    const one = hold.wrap((count: number) => void seen.push(`one ${count}`));
    const other = hold.wrap((name: string) => void seen.push(`other ${name}`));
    one(1);
    other("a");
    one(2);
    assert.deepEqual(seen, []);
    assert.equal(hold.isHolding, true);
    hold.release();
    assert.deepEqual(seen, ["one 1", "other a", "one 2"]);
    assert.equal(hold.isHolding, false);
  });

  it("passes calls at once after the release", () => {
    const seen: number[] = [];
    const hold = createHold();
    const call = hold.wrap((count: number) => void seen.push(count));
    hold.release();
    call(1);
    assert.deepEqual(seen, [1]);
  });

  it("makes a call that a held call causes after the other held ones", () => {
    const seen: number[] = [];
    const hold = createHold();
    const call = hold.wrap((count: number) => {
      seen.push(count);
      if (count === 1) call(3);
    });
    call(1);
    call(2);
    hold.release();
    assert.deepEqual(seen, [1, 2, 3]);
  });

  it("keeps the other calls if one of them throws", () => {
    const seen: number[] = [];
    const hold = createHold();
    const call = hold.wrap((count: number) => {
      if (count === 1) throw new TypeError("one");
      seen.push(count);
    });
    call(1);
    call(2);
    assert.throws(() => hold.release(), TypeError);
    assert.deepEqual(seen, []);
    hold.release();
    assert.deepEqual(seen, [2]);
  });
});
