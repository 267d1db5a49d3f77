import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addCounts,
  createCounters,
  createTotals,
  NO_COUNTS,
} from "../../../../src/discord/gateway/link/counts.ts";

describe("[O1] createCounters()", () => {
  it("returns counters only if one has changed since the last call", () => {
    const counters = createCounters();
    assert.equal(counters.changed(), undefined);
    counters.identified();
    counters.resumeEnded("invalid");
    counters.disconnected("4009");
    counters.disconnected("4009");
    counters.dispatched("MESSAGE_CREATE", true);
    counters.unparsable();
    assert.deepEqual(counters.changed(), {
      identifies: 1,
      resumes: { resumed: 0, invalid: 1, closed: 0, timeout: 0 },
      disconnects: { "4009": 2 },
      dispatches: { MESSAGE_CREATE: 1 },
      replayed: 1,
      unparsable: 1,
    });
    assert.equal(counters.changed(), undefined);
  });

  it("counts a bounded number of types by name", () => {
    const counters = createCounters();
    for (let i = 0; i < 1_000; i++) counters.dispatched(`TYPE_${i}`, false);
    const { dispatches } = counters.changed()!;
    assert.equal(Object.keys(dispatches).length, 41);
    assert.equal(dispatches["other"], 960);
  });
});

describe("[O1] addCounts()", () => {
  it("adds the counters of a dead worker", () => {
    const counters = createCounters();
    counters.identified();
    counters.disconnected("none");
    counters.dispatched("__proto__", false);
    const counts = counters.changed()!;
    assert.deepEqual(addCounts(counts, NO_COUNTS), counts);
    const twice = addCounts(counts, counts);
    assert.equal(twice.identifies, 2);
    assert.deepEqual(twice.disconnects, { none: 2 });
  });
});

describe("[O1] createTotals()", () => {
  it("replaces the counters of the running worker, and keeps those of dead ones", () => {
    const totals = createTotals();
    assert.deepEqual(totals.sum(), NO_COUNTS);
    totals.set({ ...NO_COUNTS, identifies: 1 });
    totals.set({ ...NO_COUNTS, identifies: 2 });
    assert.equal(totals.sum().identifies, 2);
    totals.died();
    assert.equal(totals.sum().identifies, 2);
    totals.set({ ...NO_COUNTS, identifies: 1 });
    assert.equal(totals.sum().identifies, 3);
  });
});
