import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createInvalidRequests,
  INVALID_WINDOW_MS,
} from "../../../src/core/discord/invalid_requests.ts";

const MINUTE_MS = 60_000;
const NOW = 1_000_000 * MINUTE_MS;

describe("[D3] createInvalidRequests()", () => {
  const rows: readonly [name: string, minute: number, counted: boolean][] = [
    ["of this minute", 1_000_000, true],
    ["of the minute before", 999_999, true],
    ["of ten minutes ago", 999_990, true],
    ["of eleven minutes ago", 999_989, false],
    ["of a time to come, by a clock that was wrong", 1_000_001, false],
  ];
  for (const [name, minute, counted] of rows) {
    it(`${counted ? "counts" : "does not count"} those ${name}`, () => {
      const invalid = createInvalidRequests([{ minute, count: 7 }], () => undefined);
      assert.equal(invalid.count(NOW), counted ? 7 : 0);
    });
  }

  it("adds new requests to the stored count, and stores each", () => {
    const noted: number[] = [];
    const stored = [{ minute: 1_000_000, count: 3 }, { minute: 999_995, count: 2 }];
    const invalid = createInvalidRequests(stored, (minute) => noted.push(minute));
    invalid.note(NOW + 59_999);
    invalid.note(NOW + MINUTE_MS);
    assert.equal(invalid.count(NOW + MINUTE_MS), 7);
    assert.deepEqual(noted, [1_000_000, 1_000_001]);
  });

  it("tells a future count, and forgets nothing by that", () => {
    const invalid = createInvalidRequests([{ minute: 1_000_000, count: 5 }], () => undefined);
    assert.equal(invalid.count(NOW + INVALID_WINDOW_MS + MINUTE_MS), 0);
    assert.equal(invalid.count(NOW), 5);
  });

  it("counts at least the last ten minutes, and at most eleven", () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 * MINUTE_MS }), { maxLength: 60 });
    fc.assert(fc.property(times, (unsorted) => {
      const invalid = createInvalidRequests([], () => undefined);
      const seen: number[] = [];
      for (const at of unsorted.toSorted((a, b) => a - b)) {
        invalid.note(NOW + at);
        seen.push(at);
        const within = (ms: number) => seen.filter((other) => at - other < ms).length;
        const count = invalid.count(NOW + at);
        assert.ok(count >= within(INVALID_WINDOW_MS), "too few");
        assert.ok(count <= within(INVALID_WINDOW_MS + MINUTE_MS), "too many");
      }
    }));
  });
});
