import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Trend } from "../../../src/store/figures.ts";
import { TRENDS_KEPT } from "../../../src/store/figures.ts";
import { openTestStore } from "../../support/store/store.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 2, 10);

function minute(at: number, rest: Partial<Trend> = {}): Trend {
  const none = { accepted: 0, ignored: 0, answers: 0, failures: 0 };
  return { at, ...none, medianMs: 0, slowestMs: 0, waiting: 0, unsent: 0, ...rest };
}

/** Bytes of the whole file. */
function sizeOf(database: DatabaseSync): number {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  return pragma("page_count") * pragma("page_size");
}

describe("[O6] store.trends", () => {
  it("adds minutes to their hour", async () => {
    const { store: { trends } } = openTestStore();
    const first = minute(START, { answers: 1, medianMs: 100, slowestMs: 100, waiting: 5 });
    const second = minute(START + 60_000, { answers: 3, medianMs: 500, slowestMs: 900, unsent: 2 });
    await trends.addMinutes([first, second]);
    await trends.addMinutes([minute(START + HOUR, { ignored: 7, accepted: 1, failures: 1 })]);
    assert.deepEqual(await trends.trendsSince(60, START + 60_000), [
      second,
      minute(START + HOUR, { ignored: 7, accepted: 1, failures: 1 }),
    ]);
    assert.deepEqual(await trends.trendsSince(3_600, 0), [
      minute(START, { answers: 4, medianMs: 400, slowestMs: 900, waiting: 5, unsent: 2 }),
      minute(START + HOUR, { ignored: 7, accepted: 1, failures: 1 }),
    ]);
  });

  it("keeps a day of minutes and a year of hours, in at most 2 MB", async () => {
    const { store: { trends }, database } = openTestStore();
    const empty = sizeOf(database);
    const busy = { accepted: 90_000, ignored: 90_000, answers: 9_000, failures: 9_000 };
    const much = { ...busy, medianMs: 90_000, slowestMs: 90_000, waiting: 9_000, unsent: 9_000 };
    const days = 368;
    for (let day = 0; day < days; day++) {
      const at = START + day * 24 * HOUR;
      await trends.addMinutes(
        Array.from({ length: 24 }, (_, hour) => minute(at + hour * HOUR, much)),
      );
    }
    const last = START + days * 24 * HOUR;
    await trends.addMinutes(
      Array.from({ length: 1_500 }, (_, at) => minute(last + at * 60_000, much)),
    );
    assert.equal((await trends.trendsSince(60, 0)).length, TRENDS_KEPT[60]);
    assert.equal((await trends.trendsSince(3_600, 0)).length, TRENDS_KEPT[3_600]);
    assert.ok(sizeOf(database) - empty <= 2_000_000);
  });
});
