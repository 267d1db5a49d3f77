/** Puts limits on programs: by the kernel where it lets Barnacle, and by a watch of the rest. */

import { existsSync, writeFileSync } from "node:fs";
import { schedule, type StartTimer } from "../../lib/clock.ts";
import type { PassedLimit, ProgramBounds } from "../../lib/program_limits.ts";
import { findGroup, killsOfOwnGroup, makeGroup } from "./cgroup.ts";
import { createDiskWatch } from "./disk_watch.ts";
import { machineMemory, readTree } from "./process_tree.ts";

const PRLIMIT = ["/usr/bin/prlimit", "/bin/prlimit"];
const SHELL = "/bin/sh";
const JOIN = 'echo 0 > "$0" && exec "$@"';
/** Milliseconds between two looks. A program fills some 100 MB meanwhile. */
const LOOK_MS = 200;
/** Milliseconds between two looks at a program that has run for a while, such as an MCP server. */
const LATER_MS = 1_000;
const QUICK_LOOKS = 150;
/** Part of the machine's memory that must stay free. */
const FREE_SHARE = 0.03;
/** Number of processes of the sandbox itself. */
const OF_SANDBOX = 4;
/** How much rather the kernel ends a program than Barnacle, if memory is out. */
const OOM_SCORE = "500";

/** Creates the limits of this machine. The way is found with the first program. */
export function createProgramBounds(start: StartTimer = schedule): ProgramBounds {
  const prlimit = PRLIMIT.find((place) => existsSync(place));
  let group: { readonly path: string | undefined } | undefined;
  const above = () => (group ??= { path: existsSync(SHELL) ? findGroup() : undefined }).path;
  return {
    prlimit,
    open(limits, folders) {
      const path = above();
      const own = path === undefined
        ? undefined
        : makeGroup(path, { ...limits, processes: limits.processes + OF_SANDBOX });
      const killsBefore = killsOfOwnGroup();
      let isOpen = true;
      let cancel = () => {};
      let looks = 0;

      async function passedBy(
        pid: number,
        disks: readonly { isPassed(): Promise<boolean> }[],
      ): Promise<PassedLimit | undefined> {
        if (!own) {
          const { memoryBytes } = limits;
          const processes = limits.processes + OF_SANDBOX;
          const tree = readTree(pid, processes, memoryBytes);
          if (tree.memoryBytes > memoryBytes) return "memory";
          if (tree.processes > processes) return "processes";
          // Files in memory and shared memory are in no process.
          const machine = machineMemory();
          if (machine && machine.free < machine.all * FREE_SHARE) return "memory";
        }
        for (const disk of disks) if (await disk.isPassed()) return "disk";
        return undefined;
      }

      return {
        launch: ({ file, args }) =>
          own ? { file: SHELL, args: ["-c", JOIN, own.members, file, ...args] } : { file, args },
        watch(pid, onPassed) {
          preferAtShortage(pid);
          const disks = folders.map((folder) => createDiskWatch(folder, limits.diskBytes));
          const look = async () => {
            const passed = await passedBy(pid, disks);
            if (!isOpen) return;
            if (passed) return onPassed(passed);
            cancel = start(() => void look(), ++looks > QUICK_LOOKS ? LATER_MS : LOOK_MS);
          };
          cancel = start(() => void look(), LOOK_MS);
        },
        close() {
          isOpen = false;
          cancel();
          const isKilled = own ? own.close() : killsOfOwnGroup() > killsBefore;
          return isKilled ? "memory" : undefined;
        },
      };
    },
  };
}

function preferAtShortage(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE);
  } catch {
    // it has ended, or the system has no such file
  }
}

/** The limits of this process's programs. */
export const PROGRAM_BOUNDS: ProgramBounds = createProgramBounds();
