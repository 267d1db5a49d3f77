import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sizeOf } from "../../../src/lib/text/units.ts";

describe("sizeOf()", () => {
  const cases: readonly [bytes: number, size: string][] = [
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1_000, "1 kB"],
    [12_345, "12.3 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1 MB"],
    [8_000_000, "8 MB"],
    [10_485_760, "10.5 MB"],
    [999_949_999, "999.9 MB"],
    [999_950_000, "1 GB"],
    [12_345_678_901, "12.3 GB"],
    [2_000_000_000_000, "2000 GB"],
  ];
  for (const [bytes, size] of cases) {
    it(`${bytes} are ${size}`, () => assert.equal(sizeOf(bytes), size));
  }
});
