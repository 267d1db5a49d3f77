import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { machineMemory, readTree } from "../../../src/host/limits/program_bounds.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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
