import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { findGroup, killsOfOwnGroup, makeGroup } from "../../../src/host/limits/program_bounds.ts";
import { limitsOf } from "../../../src/lib/program_limits.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Files as the kernel shows them, in folders of their own. */
function kernel(path: string, group: string, files: Readonly<Record<string, string>>) {
  const places = { root: join(path, "cgroup"), proc: join(path, "proc") };
  const all = {
    ...files,
    [`proc/self/cgroup`]: `0::${group}\n`,
  };
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
