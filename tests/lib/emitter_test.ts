import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createEmitter } from "../../src/lib/emitter.ts";

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
