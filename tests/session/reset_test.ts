import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resetDue, type ResetRule } from "../../src/session/session_key.ts";

const at = (time: string) => Date.parse(time);

describe("[S4a] resetDue() begins a new transcript", () => {
  const cases: readonly [
    title: string,
    rule: ResetRule,
    last: string | undefined,
    sent: string,
    timezone: string,
    cause: string | undefined,
  ][] = [
    ["never with off", "off", "2020-01-01T00:00Z", "2026-01-01T00:00Z", "UTC", undefined],
    ["not in a session without entries", "daily", undefined, "2026-01-01T00:00Z", "UTC", undefined],
    [
      "with daily: not on the same day",
      "daily",
      "2026-01-01T05:00Z",
      "2026-01-02T03:59Z",
      "UTC",
      undefined,
    ],
    ["with daily: at 4:00", "daily", "2026-01-02T03:59Z", "2026-01-02T04:00Z", "UTC", "daily"],
    ["with daily: after days", "daily", "2026-01-02T12:00Z", "2026-01-09T11:00Z", "UTC", "daily"],
    [
      "with daily: at 4:00 of the agent's time zone",
      "daily",
      "2026-07-02T01:59Z",
      "2026-07-02T02:00Z",
      "Europe/Vienna",
      "daily",
    ],
    [
      "with daily: not at 4:00 of another time zone",
      "daily",
      "2026-07-02T03:59Z",
      "2026-07-02T04:00Z",
      "Europe/Vienna",
      undefined,
    ],
    [
      "not for an older message than the last entry",
      "daily",
      "2026-01-02T12:00Z",
      "2026-01-01T12:00Z",
      "UTC",
      undefined,
    ],
    [
      "with idleMinutes: not before them",
      { idleMinutes: 30 },
      "2026-01-01T00:00:00Z",
      "2026-01-01T00:29:59Z",
      "UTC",
      undefined,
    ],
    [
      "with idleMinutes: after them",
      { idleMinutes: 30 },
      "2026-01-01T00:00:00Z",
      "2026-01-01T00:30:00Z",
      "UTC",
      "idle",
    ],
  ];
  for (const [title, rule, last, sent, timezone, cause] of cases) {
    it(title, () => {
      assert.equal(
        resetDue(rule, last === undefined ? undefined : at(last), at(sent), timezone),
        cause,
      );
    });
  }
});
