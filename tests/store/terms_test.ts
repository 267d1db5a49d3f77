import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TERMS } from "../../src/store/terms.ts";

describe("TERMS", () => {
  it("[D2] waits for the disk where nothing brings a row back", () => {
    const full = Object.values(TERMS).filter(({ durability }) => durability === "full");
    assert.deepEqual(full.map(({ name }) => name), ["T0", "T1", "T4"]);
  });

  it("[G14] names each transaction as the crash table does", () => {
    for (const [key, { name }] of Object.entries(TERMS)) assert.equal(name, key);
    assert.deepEqual(Object.keys(TERMS), ["T0", "T1", "T2", "T3", "T4", "T5"]);
  });
});
