/** Tells what this process has used: for metrics, and for limits that hold on a busy machine. */

import process from "node:process";
import { readFileSync } from "node:fs";
import { PROC } from "./boot.ts";

/** Seconds of CPU time of this process since its start, all threads together. */
export function cpuSec(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/**
 * Bytes of memory of this process that are no copies of files, as far as the system tells. The kernel
 * may map large pieces of the program's own file at a first touch, which is no cost of the work.
 */
export function ownMemory(): number {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(
      readFileSync(`${PROC}/self/status`, "utf8"),
    ) ?? [];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux, or hidden: the line below.
  }
  return process.memoryUsage.rss();
}
