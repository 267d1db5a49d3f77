import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMIT_OPTIONS } from "../../../src/store/database/durability.ts";

describe("COMMIT_OPTIONS", () => {
  it("[D2] waits for the disk if nothing would restore the work", () => {
    const full = Object.entries(COMMIT_OPTIONS).filter(([, { durability }]) =>
      durability === "full"
    );
    assert.deepEqual(full.map(([key]) => key), [
      "T0",
      "FIRST_DM",
      "TS_BEGUN",
      "T4",
      "BY_HAND",
      "IDENTIFY",
      "PROBE",
    ]);
  });
});
