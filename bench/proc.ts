/**
 * What the kernel says of a process: CPU time, memory and bytes written, from /proc.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** One tick of `utime` and `stime` in milliseconds: Linux has shown 100 a second to programs since 2.6. */
const TICK_MS = 10;
const NS_PER_MS = 1_000_000;

export interface Memory {
  readonly rssMib: number;
  /** Written to and shared with nobody: what the process costs beyond its file. */
  readonly privateDirtyMib: number;
}

/**
 * CPU time so far of all threads, those that have ended too, in user and kernel mode, in
 * milliseconds. It is exact to two ticks, so it suits seconds of work.
 */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // a name may hold blanks
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * CPU time so far of each thread that lives, by its id, in milliseconds. It is exact to the
 * nanosecond, but forgets a thread that ends: it suits a bot at rest.
 */
export function threadCpuMsOf(pid: number): ReadonlyMap<string, number> {
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
      return [thread, Number(ns) / NS_PER_MS];
    }),
  );
}

/** CPU time between two looks of {@link threadCpuMsOf}, in milliseconds. */
export function cpuMsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  let sum = 0;
  for (const [thread, ms] of after) sum += ms - (before.get(thread) ?? 0);
  return sum;
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return {
    rssMib: mibOf("Rss", rollup),
    privateDirtyMib: mibOf("Private_Dirty", rollup),
  };
}

/** Forgets the highest RSS so far, so that {@link peakRssMibOf} tells of what comes. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The highest RSS since the start, or since {@link forgetPeak}: the kernel misses no moment. */
export function peakRssMibOf(pid: number): number {
  return mibOf("VmHWM", readFileSync(`/proc/${pid}/status`, "utf8"));
}

/**
 * Bytes of files that were made dirty, in whole pages: all that SQLite writes counts, by write(2) or
 * through its shared memory, and nothing that goes to a socket.
 */
export function writtenBytesOf(pid: number): number {
  const io = readFileSync(`/proc/${pid}/io`, "utf8");
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
}

function mibOf(name: string, text: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1_024;
}
