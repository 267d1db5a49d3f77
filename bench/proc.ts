/** Reads a process's CPU time, memory and written bytes from /proc. */

import { readdirSync, readFileSync } from "node:fs";
import { codeOf } from "../src/lib/errors.ts";

/**
 * One tick of `utime` and `stime` in milliseconds: Linux has shown 100 a second to programs since
 * 2.6.
 */
const TICK_MS = 10;
const NS_PER_MS = 1_000_000;

export interface Memory {
  readonly rssMib: number;
  /** Written, and shared with no other process: the cost of the process beyond its file. */
  readonly privateDirtyMib: number;
}

/**
 * CPU time so far of all threads, ended ones included, in user and kernel mode, in milliseconds. It
 * is exact to two ticks, so it suits seconds of work.
 */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // a name may hold blanks
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * CPU time so far of a process that has ended no thread yet, exact to the nanosecond, in
 * milliseconds. The kernel forgets a thread that ends.
 */
export function youngCpuMsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((ns, thread) => ns + (threadNsOf(pid, thread) ?? 0), 0) / NS_PER_MS;
}

/**
 * CPU time by schedstat, exact to the nanosecond, which suits an idle bot. The kernel forgets a
 * thread that ends, so this must be read often.
 */
export function watchCpu(pid: number) {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  let hasBegun = false;
  function look(): void {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const ns = threadNsOf(pid, thread);
      if (ns === undefined) continue;
      if (!first.has(thread)) first.set(thread, hasBegun ? 0 : ns);
      last.set(thread, ns);
    }
    hasBegun = true;
  }
  look();
  return {
    /** Reads each thread's CPU time. A thread's use after the last reading before its end is lost. */
    look,
    /** CPU time since the watch began, in milliseconds. */
    ms() {
      let ns = 0;
      for (const [thread, used] of last) ns += used - (first.get(thread) ?? 0);
      return ns / NS_PER_MS;
    },
  };
}

function threadNsOf(pid: number, thread: string): number | undefined {
  try {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    return Number(ns);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return undefined; // it has just ended
    throw error;
  }
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return { rssMib: mibOf("Rss", rollup), privateDirtyMib: mibOf("Private_Dirty", rollup) };
}

function mibOf(name: string, text: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1_024;
}
