import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  createDiskWatch,
  machineMemory,
  readTree,
} from "../../../src/host/limits/program_bounds.ts";
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

/** Processes as the kernel shows them: 1 has 2 and 3, and 3 has 4. */
function processes(path: string, shares: boolean) {
  const files: Record<string, string> = {
    "1/task/1/children": "2 ",
    "1/task/7/children": "3 ", // a child of another thread
    "2/task/2/children": "",
    "3/task/3/children": "4 ",
    meminfo: "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  30 kB\n",
  };
  for (const pid of [1, 2, 3, 4]) {
    files[`${pid}/status`] = "Name:\tx\nVmRSS:\t  100 kB\nRssAnon:\t  60 kB\n";
    if (shares) files[`${pid}/smaps_rollup`] = "0-1 ---p\nRss:  100 kB\nPss:   40 kB\n";
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
}

describe("[SEC-R22] readTree()", () => {
  it("adds up the memory of all processes, and counts shared pages once if it is too much", () => {
    using folder = tempDirectory();
    processes(folder.path, true);
    const memory = (enough: number) => readTree(1, 10, enough, folder.path).memoryBytes / 1_024;
    assert.equal(memory(400 * 1_024), 400);
    assert.equal(memory(399 * 1_024), 160);
    assert.equal(readTree(1, 10, 0, folder.path).processes, 4);
    assert.ok(readTree(1, 1, 0, folder.path).processes > 1, "it says that there are too many");
  });

  it("counts the memory of each process of which it cannot see more", () => {
    using folder = tempDirectory();
    processes(folder.path, false);
    assert.equal(readTree(1, 10, 0, folder.path).memoryBytes, 240 * 1_024);
  });

  it("tells what a kernel without these files does not know", () => {
    using folder = tempDirectory();
    assert.deepEqual(readTree(1, 10, 0, folder.path), { processes: 1, memoryBytes: 0 });
    assert.equal(machineMemory(folder.path), undefined);
    processes(folder.path, true);
    assert.deepEqual(machineMemory(folder.path), { free: 30 * 1_024, all: 1_000 * 1_024 });
  });
});
