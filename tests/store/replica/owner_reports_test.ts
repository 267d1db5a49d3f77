import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RemoteState } from "../../../src/store/replica/remote.ts";
import { mayHandOver } from "../../../src/store/replica/owner_reports.ts";

const NOW = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

const fit = { place: "there", version: "1", behind: 0, isFit: true, seenAt: NOW - 4_000 };

describe("an owner that cannot answer people", () => {
  const rows: readonly (readonly [
    string,
    { readonly unfitMs?: number; readonly other?: object; readonly handedOverAt?: number },
    boolean,
  ])[] = [
    ["for 20 s, beside a fit standby", {}, true],
    ["for 19 s", { unfitMs: 19_000 }, false],
    ["no more, but answers", { unfitMs: -Infinity }, false],
    ["beside a standby that cannot either", { other: { isFit: false } }, false],
    [
      "beside a standby that was fit before it fell silent",
      { other: { seenAt: NOW - 11_000 } },
      false,
    ],
    ["and was fit by its own last report", { other: { place: "here" } }, false],
    ["9 minutes after a hand-over", { handedOverAt: NOW - 9 * MINUTE_MS }, false],
    ["10 minutes after a hand-over", { handedOverAt: NOW - 10 * MINUTE_MS }, true],
  ];
  for (const [what, { unfitMs = 20_000, other, handedOverAt = null }, expected] of rows) {
    it(`[O15] ${what} ${expected ? "hands over" : "keeps the lease"}`, () => {
      const own = { place: "here", version: "1", isFit: false, seenAt: NOW };
      const state = { place: "here", handedOverAt, clockMs: NOW } as RemoteState;
      assert.equal(
        mayHandOver({ state, processes: [own, { ...fit, ...other }] }, unfitMs),
        expected,
      );
    });
  }
});
