import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextRun, readWhen } from "../../../src/features/schedules/when.ts";

const VIENNA = { now: Date.UTC(2026, 2, 27, 12), timezone: "Europe/Vienna" };

async function read(text: string, clock = VIENNA): Promise<string> {
  const when = await readWhen(text, clock);
  return when.kind === "problem" ? when.why : `${when.kind} ${new Date(when.at).toISOString()}`;
}

describe("[T12] readWhen()", () => {
  const cases: readonly [text: string, read: string][] = [
    ["90m", "once 2026-03-27T13:30:00.000Z"],
    ["in 2 hours and 30 minutes", "once 2026-03-27T14:30:00.000Z"],
    ["1.5h", "once 2026-03-27T13:30:00.000Z"],
    ["2 days", "once 2026-03-29T12:00:00.000Z"],
    ["PT2H", "once 2026-03-27T14:00:00.000Z"],
    ["P1W", "once 2026-04-03T12:00:00.000Z"],
    ["2026-03-28T09:00", "once 2026-03-28T08:00:00.000Z"],
    ["2026-03-28 09:00:30", "once 2026-03-28T08:00:30.000Z"],
    ["2028-02-29T09:00Z", "once 2028-02-29T09:00:00.000Z"],
    ["2026-03-28T09:00Z", "once 2026-03-28T09:00:00.000Z"],
    ["2026-03-28T09:00+0530", "once 2026-03-28T03:30:00.000Z"],
    ["0 9 * * 1", "cron 2026-03-30T07:00:00.000Z"],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text}`, async () => assert.equal(await read(text), expected));
  }

  const refused: readonly [text: string, why: RegExp][] = [
    ["2026-03-01T09:00", /in the past/],
    ["0s", /in the past/],
    ["2040-01-01T00:00", /years ahead/],
    ["2026-02-31T09:00", /no date and time/],
    ["2026-04-31T09:00", /no date and time/],
    ["2026-04-31T09:00Z", /no date and time/],
    ["2027-02-29T09:00", /no date and time/],
    ["2026-00-10T09:00", /no date and time/],
    ["2026-13-40T99:99", /no date and time/],
    ["tomorrow", /write a local time/],
    ["3 moons", /write a local time/],
    ["* * * * * *", /write a local time/],
    ["99 * * * *", /no cron pattern/],
    ["0 0 30 2 *", /never runs/],
    ["", /write a local time/],
  ];
  for (const [text, why] of refused) {
    it(`refuses "${text}"`, async () => assert.match(await read(text), why));
  }

  it("[T8] moves a local time that a change of the clock skips", async () => {
    assert.equal(await read("2026-03-29T02:30"), "once 2026-03-29T01:30:00.000Z");
  });

  it("[T8] takes the first of two equal local times", async () => {
    assert.equal(await read("2026-10-25T02:30"), "once 2026-10-25T00:30:00.000Z");
  });
});

describe("[T8] nextRun()", () => {
  it("runs a daily pattern once a day through both changes of the clock", async () => {
    const runs: string[] = [];
    for (const from of [Date.UTC(2026, 2, 28), Date.UTC(2026, 9, 24)]) {
      let now = from;
      for (let day = 0; day < 3; day++) {
        now = await nextRun("30 2 * * *", { ...VIENNA, now }) ?? NaN;
        runs.push(new Date(now).toISOString());
      }
    }
    assert.deepEqual(runs, [
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
      "2026-10-24T00:30:00.000Z",
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });
});
