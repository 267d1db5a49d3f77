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
      "CALL",
      "TS_BEGUN",
      "CALL_END",
      "T4",
      "BY_HAND",
      "IDENTIFY",
      "PROBE",
    ]);
  });

  it("[G14] names each transaction as the crash table does", () => {
    const names = Object.entries(COMMIT_OPTIONS).map((
      [key, options],
    ) => [key, "name" in options && options.name]);
    assert.deepEqual(Object.fromEntries(names), {
      T0: "T0",
      T1: "T1",
      FIRST_DM: "T1",
      CALL: "T1",
      T2: "T2",
      TS: "TS",
      TS_BEGUN: "TS",
      T3: "T3",
      CALL_END: "T3",
      T4: "T4",
      T5: "T5",
      BY_HAND: false,
      IDENTIFY: false,
      PROBE: false,
    });
  });
});
