/**
 * Makes control groups of the kernel (cgroup v2) for programs, where Barnacle may.
 *
 * It may if its own group is delegated to it: under systemd with `Delegate=memory pids`, and without
 * `ProtectControlGroups=`. A group with limits for its children has no processes of its own, so
 * Barnacle first moves itself to a group within its own. It touches no group with other processes.
 */

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { ProgramLimits } from "../../lib/program_limits.ts";

/** Where the kernel shows groups and processes. */
interface GroupPlaces {
  readonly root: string;
  readonly proc: string;
}

const PLACES: GroupPlaces = { root: "/sys/fs/cgroup", proc: "/proc" };

/** Barnacle's own group, within the delegated one. */
const OWN = "barnacle";
const CONTROLLERS = ["memory", "pids"];

/** Path of Barnacle's own group; `undefined` without cgroup v2. */
function ownGroup({ root, proc }: GroupPlaces): string | undefined {
  const path = /^0::(\/.*)$/m.exec(read(join(proc, "self/cgroup")))?.[1];
  const group = path === undefined ? undefined : join(root, path);
  return group !== undefined && read(join(group, "cgroup.controllers")) !== "" ? group : undefined;
}

/**
 * Finds the group in which Barnacle may make others, and moves itself out of the way.
 *
 * @returns `undefined` if there is none.
 */
export function findGroup(places: GroupPlaces = PLACES): string | undefined {
  const own = ownGroup(places);
  if (own === undefined) return undefined;
  const above = dirname(own);
  if (basename(own) === OWN && has(join(above, "cgroup.subtree_control"))) return above;
  if (!has(join(own, "cgroup.controllers"))) return undefined;
  const members = words(join(own, "cgroup.procs"));
  if (members.some((pid) => pid !== `${process.pid}` && !isChild(pid, places))) return undefined;
  const inner = join(own, OWN);
  try {
    mkdirSync(inner, { recursive: true });
    for (const pid of members) writeFileSync(join(inner, "cgroup.procs"), pid);
    writeFileSync(
      join(own, "cgroup.subtree_control"),
      CONTROLLERS.map((name) => `+${name}`).join(" "),
    );
    return own;
  } catch {
    tryTo(() => {
      for (const pid of members) writeFileSync(join(own, "cgroup.procs"), pid);
    });
    tryTo(() => rmdirSync(inner));
    return undefined;
  }
}

/** Whether a process is a child of Barnacle's. */
function isChild(pid: string, { proc }: GroupPlaces): boolean {
  const parent = /\) \S (\d+)/.exec(read(join(proc, pid, "stat")))?.[1];
  return parent === `${process.pid}`;
}

let groups = 0;

/** Makes a group with limits. @returns `undefined` if the kernel refuses it. */
export function makeGroup(
  above: string,
  { memoryBytes, tempBytes, processes }: Pick<
    ProgramLimits,
    "memoryBytes" | "tempBytes" | "processes"
  >,
): {
  /** A program that writes `0` to this file joins the group. */
  readonly members: string;
  /** Ends all processes in it. @returns Whether the kernel has ended one for its memory. */
  close(): boolean;
} | undefined {
  const path = join(above, `program-${process.pid}-${++groups}`);
  try {
    mkdirSync(path);
    // Files in memory count, too.
    writeFileSync(join(path, "memory.max"), `${memoryBytes + tempBytes}`);
    writeFileSync(join(path, "pids.max"), `${processes}`);
    tryTo(() => writeFileSync(join(path, "memory.swap.max"), "0")); // a kernel without swap
    tryTo(() => writeFileSync(join(path, "memory.oom.group"), "1"));
  } catch {
    tryTo(() => rmdirSync(path));
    return undefined;
  }
  return {
    members: join(path, "cgroup.procs"),
    close() {
      const isKilled = killsIn(path) > 0;
      tryTo(() => writeFileSync(join(path, "cgroup.kill"), "1"));
      remove(path, 20);
      return isKilled;
    },
  };
}

/** A group goes once its last process is gone. */
function remove(path: string, tries: number): void {
  try {
    rmdirSync(path);
  } catch {
    if (tries > 0) setTimeout(() => remove(path, tries - 1), 250).unref();
  }
}

/** Number of processes that the kernel has ended for memory, in Barnacle's own group or a unit's. */
export function killsOfOwnGroup(places: GroupPlaces = PLACES): number {
  const own = ownGroup(places);
  return own === undefined ? 0 : killsIn(own);
}

function killsIn(path: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(read(join(path, "memory.events")))?.[1] ?? 0);
}

function has(path: string): boolean {
  const found = words(path);
  return CONTROLLERS.every((name) => found.includes(name));
}

function words(path: string): readonly string[] {
  return read(path).split(/\s+/).filter((word) => word !== "");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function tryTo(run: () => void): void {
  try {
    run();
  } catch {
    // without it, the limits still hold
  }
}
