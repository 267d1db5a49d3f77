import assert from "node:assert/strict";
import process from "node:process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  createDiskWatch,
  findGroup,
  killsOfOwnGroup,
  machineMemory,
  makeGroup,
  readTree,
} from "../../../src/host/limits/program_bounds.ts";
import { limitsOf } from "../../../src/lib/program_limits.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Files as the kernel shows them, in folders of their own. */
function kernel(path: string, group: string, files: Readonly<Record<string, string>>) {
  const places = { root: join(path, "cgroup"), proc: join(path, "proc") };
  const all = { ...files, [`proc/self/cgroup`]: `0::${group}\n` };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return { places, read: (name: string) => readFileSync(join(path, name), "utf8") };
}

const PID = `${process.pid}`;

describe("[SEC-R22] findGroup()", () => {
  it("moves Barnacle and its children to a group within its own, which then makes others", () => {
    using folder = tempDirectory();
    const { places, read } = kernel(folder.path, "/unit", {
      "cgroup/unit/cgroup.controllers": "cpu memory pids\n",
      "cgroup/unit/cgroup.procs": `${PID}\n4242\n`,
      "proc/4242/stat": `4242 (a ) name) S ${PID} 1`,
    });
    assert.equal(findGroup(places), join(places.root, "unit"));
    assert.equal(read("cgroup/unit/barnacle/cgroup.procs"), "4242", "the last one written");
    assert.equal(read("cgroup/unit/cgroup.subtree_control"), "+memory +pids");
  });

  it("uses the group above if Barnacle has moved already", () => {
    using folder = tempDirectory();
    const { places } = kernel(folder.path, "/unit/barnacle", {
      "cgroup/unit/cgroup.subtree_control": "memory pids\n",
      "cgroup/unit/barnacle/cgroup.controllers": "memory pids\n",
    });
    assert.equal(findGroup(places), join(places.root, "unit"));
  });

  it("touches no group with other processes, without the controllers, or of cgroup v1", () => {
    using shared = tempDirectory();
    const session = kernel(shared.path, "/session", {
      "cgroup/session/cgroup.controllers": "memory pids\n",
      "cgroup/session/cgroup.procs": `${PID}\n4242\n`,
      "proc/4242/stat": "4242 (sh) S 1 1",
    });
    assert.equal(findGroup(session.places), undefined);
    assert.ok(!existsSync(join(session.places.root, "session/barnacle")));
    using poor = tempDirectory();
    const without = kernel(poor.path, "/unit", {
      "cgroup/unit/cgroup.controllers": "cpu\n",
      "cgroup/unit/cgroup.procs": `${PID}\n`,
    });
    assert.equal(findGroup(without.places), undefined);
    using old = tempDirectory();
    assert.equal(findGroup(kernel(old.path, "/", {}).places), undefined);
  });
});

describe("[SEC-R22] makeGroup()", () => {
  it("writes the limits, and tells whether the kernel ended a process for its memory", () => {
    using folder = tempDirectory();
    const limits = limitsOf({ memoryMb: 10, tempMb: 5, diskMb: 1 }, 64);
    const group = makeGroup(folder.path, limits);
    assert.ok(group);
    const path = dirname(group.members);
    const written = (name: string) => readFileSync(join(path, name), "utf8");
    assert.deepEqual(
      ["memory.max", "pids.max", "memory.swap.max"].map(written),
      [`${15 * 1024 * 1024}`, "64", "0"],
    );
    writeFileSync(join(path, "memory.events"), "max 3\noom 1\noom_kill 2\noom_group_kill 0\n");
    assert.equal(group.close(), true);
    assert.equal(written("cgroup.kill"), "1");
    assert.equal(makeGroup(join(folder.path, "gone"), limits), undefined);
  });

  it("counts the processes that the kernel ended in the group of a unit", () => {
    using folder = tempDirectory();
    const { places } = kernel(folder.path, "/unit", {
      "cgroup/unit/cgroup.controllers": "memory\n",
      "cgroup/unit/memory.events": "oom_kill 3\n",
    });
    assert.equal(killsOfOwnGroup(places), 3);
  });
});

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
