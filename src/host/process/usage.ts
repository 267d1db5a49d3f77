/**
 * Tells what this process has used: for metrics, for limits that hold on a busy machine, and for work
 * that can wait until the process has nothing else to do.
 */

import process from "node:process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PROC } from "./boot.ts";

/** Seconds of CPU time of this process since its start, all threads together. */
export function cpuSec(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** Milliseconds between two looks at the CPU time. */
const LOOK_MS = 20;

/** Seconds of CPU time: a process that uses less between two looks has hardly anything to do. */
const IDLE_SEC = 0.005;

/**
 * Waits until this process has hardly anything to do.
 *
 * @param maxMs After so many milliseconds, it looks no more.
 * @param used Seconds of CPU time until now; a test passes its own.
 */
export async function untilIdle(maxMs: number, used: () => number = cpuSec): Promise<void> {
  const end = performance.now() + maxMs;
  let before = used();
  while (performance.now() < end) {
    await sleep(LOOK_MS);
    const now = used();
    if (now - before < IDLE_SEC) return;
    before = now;
  }
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
  return residentBytes() ?? 0;
}

/** Bytes of this process in memory; `undefined` if no file may be opened to read that. */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss() || undefined;
  } catch {
    return undefined;
  }
}
