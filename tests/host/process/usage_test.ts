import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { skipUnless } from "../../support/skip.ts";
import { untilIdle } from "../../../src/host/process/boot.ts";

describe("[O1] untilIdle()", () => {
  /** CPU time after each look, in seconds; the last step repeats. */
  const looks = (...steps: readonly number[]) => {
    let calls = 0;
    let sum = 0;
    return {
      used: () => sum += steps[Math.min(calls++, steps.length - 1)] ?? 0,
      calls: () => calls,
    };
  };

  it("returns after the first look without work, however late", async () => {
    const { used, calls } = looks(0, 0.02, 0.005, 0.004);
    await untilIdle(5_000, used);
    assert.equal(calls(), 4);
  });

  it("returns at the end of its wait if there is always work", async () => {
    const { used, calls } = looks(0, 0.02);
    const startedAt = performance.now();
    await untilIdle(100, used);
    assert.ok(performance.now() - startedAt >= 100);
    assert.ok(calls() >= 2);
  });
});

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "no_descriptors.ts");
const IS_UNIX = skipUnless(process.platform !== "win32", "no limit of descriptors");

describe("[O1] residentBytes()", () => {
  it("is unknown or right without a free descriptor, and ends nothing", IS_UNIX, () => {
    const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
    const limited = ["-c", 'ulimit -n 40; exec "$0" "$@"', process.execPath, ...run, SCRIPT];
    const said = execFileSync("sh", limited, { encoding: "utf8" }).trim();
    assert.match(said, /^(?:unknown|\d{7,})$/);
  });
});
