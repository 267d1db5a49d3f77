import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Schedule } from "../../../src/core/turn/schedule.ts";
import { judgeSchedule } from "../../../src/flows/preflight/schedules.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";

const NOW = Date.UTC(2026, 0, 2);
const RUN = { messageId: "1", dueAt: NOW, startedAt: NOW, state: "failed" };

const judged = (change: object) =>
  judgeSchedule(
    {
      id: 7,
      cron: "0 8 * * *",
      text: "the words of a person",
      lastRun: RUN,
      origin: { place: { kind: "guild" } },
      ...change,
    } as unknown as Schedule,
    NOW,
  ).map(({ status, why, fix }) => [status, why, fix]);

describe("[O12] judgeSchedule()", () => {
  const cases: readonly (readonly [string, object, unknown])[] = [
    ["whose last run failed", {}, [["warn", "its last run failed", "run `barnacle why 1`"]]],
    ["that its failures paused", { pausedBy: "failures" }, [[
      "warn",
      "its last runs failed, so it is paused",
      "run `barnacle why 1`, then `barnacle schedules resume 7`",
    ]]],
    ["that failed in a direct message", { origin: { place: { kind: "dm" } } }, [PASS()]],
    ["that an operator paused", { pausedBy: "operator" }, [PASS()]],
    ["whose last run was delivered", { lastRun: { ...RUN, state: "delivered" } }, [PASS()]],
    ["that ran once, a day ago", {
      cron: undefined,
      lastRun: { ...RUN, startedAt: NOW - DAY_MS },
    }, []],
    ["that has never run", { lastRun: undefined }, []],
  ];
  for (const [which, change, expected] of cases) {
    it(`judges a schedule ${which}`, () => assert.deepEqual(judged(change), expected));
  }
});

function PASS() {
  return ["pass", "its last run worked", undefined];
}
