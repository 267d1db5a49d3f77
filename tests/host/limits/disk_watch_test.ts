/** Tests that the watch of a folder counts the program's own files, whatever others write meanwhile. */

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createDiskWatch } from "../../../src/host/limits/program_bounds.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const MIB = 1_048_576;

/** Writes bytes that no file system leaves out. */
function write(path: string, mib: number): void {
  writeFileSync(path, new Uint8Array(mib * MIB).fill(1), { flush: true });
}

describe("[SEC-R22] createDiskWatch()", () => {
  const CASES: readonly (readonly [name: string, before: number, own: number, passed: boolean])[] =
    [
      ["a folder below its limit", 0, 20, false],
      ["a folder that grows past its limit", 0, 60, true],
      ["a folder that was too large, and grows by less than 16 MiB", 50, 1, false],
      ["a folder that was too large, and grows by more", 50, 20, true],
    ];
  for (const [name, before, own, expected] of CASES) {
    it(`${name}: ${expected ? "passed" : "not passed"}, while others write`, async () => {
      using root = tempDirectory();
      const [folder, other] = [join(root.path, "own"), join(root.path, "other")];
      for (const path of [folder, other]) mkdirSync(path);
      write(join(folder, "old"), before);
      const watch = createDiskWatch(folder, 40 * MIB);
      assert.equal(await watch.isPassed(), false);
      write(join(folder, "new"), own);
      let isPassed = false;
      // Again, because another test may delete its files, which hides what was written.
      for (let round = 0; round < 10 && !isPassed; round++) {
        write(join(other, `file${round}`), 20);
        isPassed = await watch.isPassed();
      }
      assert.equal(isPassed, expected);
    });
  }

  it("passed, while others free more than the program writes", async () => {
    using root = tempDirectory();
    const [folder, other] = [join(root.path, "own"), join(root.path, "other")];
    mkdirSync(folder);
    write(other, 100);
    const watch = createDiskWatch(folder, 40 * MIB);
    assert.equal(await watch.isPassed(), false);
    rmSync(other);
    write(join(folder, "new"), 60);
    let isPassed = false;
    for (let look = 0; look < 50 && !isPassed; look++) isPassed = await watch.isPassed();
    assert.ok(isPassed);
  });
});
