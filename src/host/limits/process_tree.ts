/** Reads the processes of a program and their memory from `/proc`. */

import { readdirSync, readFileSync } from "node:fs";
import { PROC } from "../process/boot.ts";

const KIB = 1_024;

/**
 * Reads the tree of a program.
 *
 * @param most Processes after which the reading ends.
 * @param enough Bytes up to which an estimate that is too high is good enough.
 */
export function readTree(pid: number, most: number, enough: number, proc = PROC): {
  /** Number of its processes. */
  readonly processes: number;
  /** Memory of all processes together, with what they share counted once as far as known. */
  readonly memoryBytes: number;
} {
  const found = [pid];
  for (let at = 0; at < found.length && found.length <= most; at++) {
    found.push(...childrenOf(found[at] ?? 0, proc));
  }
  let resident = 0;
  for (const one of found) resident += kib(read(`${proc}/${one}/status`), "VmRSS");
  if (resident <= enough) return { processes: found.length, memoryBytes: resident };
  // Pages that processes share count in each of them above; this is exact, and slower.
  let exact = 0;
  for (const one of found) exact += shareOf(one, proc);
  return { processes: found.length, memoryBytes: exact };
}

function childrenOf(pid: number, proc: string): readonly number[] {
  let threads: readonly string[];
  try {
    threads = readdirSync(`${proc}/${pid}/task`);
  } catch {
    return []; // it has ended
  }
  return threads.flatMap((thread) => {
    const text = read(`${proc}/${pid}/task/${thread}/children`)?.trim();
    return text ? text.split(" ").map(Number) : [];
  });
}

/** The part of a process in the memory of all; without the right to read that, its own memory. */
function shareOf(pid: number, proc: string): number {
  const shares = read(`${proc}/${pid}/smaps_rollup`);
  return shares === undefined ? kib(read(`${proc}/${pid}/status`), "RssAnon") : kib(shares, "Pss");
}

/** Bytes that a file of the kernel tells in KiB; 0 for a process that has ended. */
function kib(text: string | undefined, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text ?? "");
  return Number(line?.[1] ?? 0) * KIB;
}

/** Bytes of memory that the whole machine has left, and of all; `undefined` if it is not told. */
export function machineMemory(proc = PROC): { free: number; all: number } | undefined {
  const text = read(`${proc}/meminfo`);
  const all = kib(text, "MemTotal");
  return all === 0 ? undefined : { free: kib(text, "MemAvailable"), all };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process has ended, or the kernel has no such file
  }
}
