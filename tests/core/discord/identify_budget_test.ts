import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { DAY_MS } from "../../../src/lib/clock.ts";
import {
  askIdentify,
  type IdentifyAnswer,
  type IdentifyBudget,
  identifyBudget,
  type IdentifyRecord,
  RESERVE,
  type SessionStartLimit,
  SPACING_MS,
} from "../../../src/core/discord/gateway.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 2);
const MINUTE_MS = 60_000;
/** For a bot with 1,000 IDENTIFYs a day. */
const ALLOWED = 1_000 - RESERVE;

/** Discord's report for a bot that has not identified today. */
function limit(fields: Partial<SessionStartLimit> = {}): SessionStartLimit {
  return {
    total: 1_000,
    remaining: 1_000,
    resetAfterMs: DAY_MS,
    readAt: NOW - MINUTE_MS,
    ...fields,
  };
}

/** A number of IDENTIFYs, a second apart, the last of them at `last`. */
function identifies(count: number, last: number = NOW - MINUTE_MS): readonly number[] {
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * 1_000);
}

describe("identifyBudget()", () => {
  const old = identifies(ALLOWED, NOW - MINUTE_MS);
  const oldest = old[0]!;
  const RECORDS: readonly (readonly [name: string, IdentifyRecord, IdentifyBudget])[] = [
    ["all of it on the first day", { identifies: [] }, { left: 1_000 }],
    ["the rest of our own count without a report from Discord", { identifies: identifies(3) }, {
      left: 997,
    }],
    ["one more before the reserve", { identifies: identifies(ALLOWED - 1) }, { left: 51 }],
    ["the reserve, until the oldest IDENTIFY is a day old", { identifies: old }, {
      left: 50,
      heldUntil: oldest + DAY_MS,
    }],
    [
      "less than the reserve, until enough IDENTIFYs are a day old",
      { identifies: identifies(970) },
      { left: 30, heldUntil: identifies(970)[20]! + DAY_MS },
    ],
    ["never less than nothing", { identifies: identifies(1_200) }, {
      left: 0,
      heldUntil: identifies(1_200)[250]! + DAY_MS,
    }],
    ["nothing that is a day old, to the millisecond", {
      identifies: [NOW - DAY_MS, NOW - DAY_MS + 1],
    }, { left: 999 }],
    ["Discord's count if it is lower, because it includes other processes", {
      identifies: identifies(3),
      limit: limit({ remaining: 700 }),
    }, { left: 699 }], // one of the three was at the time of the reading
    ["Discord's count less our IDENTIFYs since its report", {
      identifies: identifies(10, NOW - 1_000),
      limit: limit({ remaining: 700, readAt: NOW - 5_500 }),
    }, { left: 695 }],
    ["our own count if it is lower", {
      identifies: identifies(600, NOW - 2 * MINUTE_MS),
      limit: limit({ remaining: 900 }),
    }, { left: 400 }],
    ["Discord's reserve, until Discord's reset", {
      identifies: [],
      limit: limit({ remaining: 50, resetAfterMs: 10 * MINUTE_MS }),
    }, { left: 50, heldUntil: NOW + 9 * MINUTE_MS }],
    ["the later of two holds", {
      identifies: old,
      limit: limit({ remaining: 0, resetAfterMs: 2 * MINUTE_MS }),
    }, { left: 0, heldUntil: oldest + DAY_MS }],
    ["nothing of Discord's report after its reset", {
      identifies: identifies(3),
      limit: limit({ remaining: 0, resetAfterMs: MINUTE_MS }),
    }, { left: 997 }],
    ["a larger total, as large bots have", {
      identifies: identifies(1_500),
      limit: limit({ total: 2_000, remaining: 2_000 }),
    }, { left: 500 }],
    ["one a day if the total does not exceed the reserve", {
      identifies: identifies(1),
      limit: limit({ total: 10, remaining: 100 }),
    }, { left: 9, heldUntil: NOW - MINUTE_MS + DAY_MS }],
  ];
  for (const [name, record, budget] of RECORDS) {
    it(`[G5] says ${name}`, () => sameData(identifyBudget(record, NOW), budget));
  }

  it("[G5] counts records in the future after a clock was set back, for a day at most", () => {
    const ahead = identifies(ALLOWED, NOW + 400 * DAY_MS);
    assert.deepEqual(identifyBudget({ identifies: ahead }, NOW), {
      left: 50,
      heldUntil: NOW + DAY_MS,
    });
  });

  it("[G5] does not wait longer for a reset after a clock was set back", () => {
    const said = limit({ remaining: 20, resetAfterMs: MINUTE_MS, readAt: NOW + 400 * DAY_MS });
    assert.deepEqual(identifyBudget({ identifies: [], limit: said }, NOW), {
      left: 20,
      heldUntil: NOW + MINUTE_MS,
    });
  });
});

describe("askIdentify()", () => {
  const ANSWERS: readonly (readonly [string, IdentifyRecord, IdentifyAnswer])[] = [
    ["the first at once", { identifies: [] }, { kind: "granted" }],
    [
      "no second one within the spacing",
      { identifies: [NOW - SPACING_MS + 1] },
      { kind: "wait", untilMs: NOW + 1, why: "spacing" },
    ],
    ["another one after it", { identifies: [NOW - SPACING_MS] }, {
      kind: "granted",
    }],
    ["nothing of the reserve", { identifies: identifies(ALLOWED) }, {
      kind: "wait",
      untilMs: identifies(ALLOWED)[0]! + DAY_MS,
      why: "budget",
    }],
    [
      "records in the future after a clock was set back",
      { identifies: [NOW + DAY_MS] },
      { kind: "granted" },
    ],
  ];
  for (const [name, record, answer] of ANSWERS) {
    it(`[G5] grants ${name}`, () => assert.deepEqual(askIdentify(record, NOW), answer));
  }

  it("[G5] keeps any crash loop within 950 a day, and waits no longer than needed", () => {
    const property = fc.property(
      fc.array(fc.nat({ max: 180_000 }), { minLength: 1, maxLength: 5 }),
      (periods) => {
        const granted: number[] = [];
        const said = limit({ remaining: 1_000_000 }); // Discord's count is not asked
        let now = NOW;
        for (let crash = 0; granted.length < 2_000; crash++) {
          now += periods[crash % periods.length]!;
          const record = { identifies: granted.slice(-1_000), limit: said };
          const answer = askIdentify(record, now);
          if (answer.kind === "wait") {
            assert.ok(answer.untilMs > now);
            const justBefore = askIdentify(record, answer.untilMs - 1);
            assert.equal(justBefore.kind, "wait", "the wait was longer than needed");
            now = answer.untilMs;
            continue;
          }
          granted.push(now);
        }
        for (const [index, at] of granted.entries()) {
          const first = granted[index - ALLOWED];
          if (first !== undefined) assert.ok(at - first >= DAY_MS, "more than 950 in a day");
          const before = granted[index - 1];
          if (before !== undefined) assert.ok(at - before >= SPACING_MS, "two at once");
        }
      },
    );
    fc.assert(property, { numRuns: 12 });
  });

  it("[G5] keeps the reserve, however many IDENTIFYs other processes use", () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 1_000 }),
      fc.integer({ min: 1, max: DAY_MS }),
      fc.array(fc.nat({ max: 60_000 }), { minLength: 1, maxLength: 5 }),
      (othersTook, resetAfterMs, periods) => {
        const said = limit({ remaining: 1_000 - othersTook, resetAfterMs, readAt: NOW });
        const granted: number[] = [];
        let now = NOW;
        for (let crash = 0; crash < 3_000 && now < NOW + resetAfterMs; crash++) {
          const answer = askIdentify({ identifies: granted, limit: said }, now);
          if (answer.kind === "granted") granted.push(now);
          now = answer.kind === "wait" ? answer.untilMs : now + periods[crash % periods.length]!;
        }
        assert.ok(granted.length <= Math.max(0, ALLOWED - othersTook));
      },
    );
    fc.assert(property, { numRuns: 20 });
  });

  it("[G5] never waits for more than a day, for any clock", () => {
    const time = fc.integer({ min: -1_000 * DAY_MS, max: 1_000 * DAY_MS }).map((by) => NOW + by);
    const property = fc.property(
      fc.array(time, { maxLength: 30 }),
      fc.integer({ min: 0, max: 60 }),
      fc.nat({ max: DAY_MS }),
      time,
      (times, total, resetAfterMs, readAt) => {
        const record: IdentifyRecord = {
          identifies: times.toSorted((a, b) => a - b),
          limit: limit({ total, remaining: total, resetAfterMs, readAt }),
        };
        const answer = askIdentify(record, NOW);
        if (answer.kind === "granted") return;
        assert.ok(answer.untilMs > NOW && answer.untilMs <= NOW + DAY_MS);
      },
    );
    fc.assert(property);
  });
});
