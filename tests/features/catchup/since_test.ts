import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sinceOf } from "../../../src/features/catchup/catch_up.ts";

const NOW = Date.UTC(2026, 2, 29, 22, 30); // Monday, 11:30, in Auckland

const TABLE: readonly (readonly [text: string, utc: string])[] = [
  ["2h", "2026-03-29T20:30:00.000Z"],
  ["today", "2026-03-29T11:00:00.000Z"],
  ["Yesterday", "2026-03-28T11:00:00.000Z"],
  ["2026-01-31", "2026-01-30T11:00:00.000Z"],
  ["2026-01-31 09:30", "2026-01-30T20:30:00.000Z"],
  ["2026-01-31T09:30:05Z", "2026-01-31T09:30:05.000Z"],
  ["2026-01-31 09:30 UTC", "2026-01-31T09:30:00.000Z"],
  ["2026-01-31T09:30+0100", "2026-01-31T08:30:00.000Z"],
];

describe("[T17] sinceOf()", () => {
  for (const [text, utc] of TABLE) {
    it(`reads ${text} in the time zone of the config`, async () => {
      const at = await sinceOf(text, NOW, "Pacific/Auckland");
      assert.equal(new Date(at).toISOString(), utc);
    });
  }

  for (const text of ["", "soon", "2026-13-01", "2026-01-32", "31.1.2026"]) {
    it(`reads no time in "${text}"`, async () => {
      assert.ok(Number.isNaN(await sinceOf(text, NOW, "Europe/Berlin")));
    });
  }
});
