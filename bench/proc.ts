/**
 * What the kernel says of a process: CPU time and memory, from /proc.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** One tick of `utime` and `stime` in milliseconds: Linux has shown 100 a second to programs since 2.6. */
const TICK_MS = 10;

export interface Memory {
  readonly rssMib: number;
  /** Written to and shared with nobody: what the process costs beyond its file. */
  readonly privateDirtyMib: number;
}

/** CPU time of all threads so far, in user and kernel mode, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // a name may hold blanks
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) / 1_024;
  return { rssMib: mib("Rss"), privateDirtyMib: mib("Private_Dirty") };
}
