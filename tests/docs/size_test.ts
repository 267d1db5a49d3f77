import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const ROOT = join(import.meta.dirname!, "..", "..");
const numberIn = (file: string, pattern: RegExp) =>
  Number(pattern.exec(readFileSync(join(ROOT, file), "utf8"))?.[1]);

describe("[B13] the size of the binary", () => {
  it("is the measured one in the README, too", () => {
    const measured = numberIn(
      "docs/internals/measurements.md",
      /^\| binary for Linux x64, MB .*? \| +([\d.]+) \|/m,
    );
    assert.equal(numberIn("README.md", /one file of about (\d+) MB/), Math.round(measured));
  });
});
