/**
 * Which process a pid means: the kernel's words for this boot, and for when in
 * it a process began.
 *
 * A pid alone is given anew, and a wall clock is set: a Raspberry Pi starts in
 * the past. Boot and start, counted in the kernel's ticks, name a process for
 * good.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

/** Reads a file; it throws where there is none. */
export type ReadText = (path: string) => string;

/** What the kernel knows of a pid. */
export type PidFacts =
  | { readonly kind: "gone" }
  | {
    readonly kind: "running";
    /** From the kernel's start to the process's, in its ticks. */
    readonly startTicks: number;
  }
  /** There is no telling here. */
  | { readonly kind: "unknown" };

const readText: ReadText = (path) => readFileSync(path, "utf8");

/** Set by the unit, whose `ProcSubset=pid` hides the kernel's file from the service. */
const BOOT_ID_VARIABLE = "BARNACLE_BOOT_ID";

/** 32 digits of base 16; the kernel writes them with dashes, systemd without. */
const BOOT_ID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/** @returns As whoever knows it writes it; `undefined` where there is no telling. */
export function readBootId(
  read: ReadText = readText,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  try {
    return read("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    // Not Linux, or hidden. What is no id, such as a "%b" that nobody replaced, would be one for ever.
    const told = env[BOOT_ID_VARIABLE]?.trim() ?? "";
    return BOOT_ID.test(told) ? told : undefined;
  }
}

/** A process that has ended, and waits for its parent to ask how, is gone. */
export function readPid(pid: number, read: ReadText = readText): PidFacts {
  let text: string;
  try {
    text = read(`/proc/${pid}/stat`);
  } catch {
    // Without a /proc nobody is seen there, this process neither.
    return canRead("/proc/self/stat", read) ? { kind: "gone" } : { kind: "unknown" };
  }
  // The program's name comes first, in brackets, and may hold any.
  const [state, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return { kind: "gone" };
  const startTicks = Number(rest[START_TICKS]);
  return Number.isSafeInteger(startTicks) ? { kind: "running", startTicks } : { kind: "unknown" };
}

/** `starttime` is field 22 of `proc_pid_stat(5)`, and the fourth is the first of the rest. */
const START_TICKS = 22 - 4;

function canRead(path: string, read: ReadText): boolean {
  try {
    read(path);
    return true;
  } catch {
    return false; // which is the answer
  }
}
