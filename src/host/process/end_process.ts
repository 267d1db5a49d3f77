/**
 * Identifies a process beyond its pid, by the boot id and the process's start time in that boot; and
 * ends the Barnacle that is still that process, for `run --force` (G11).
 *
 * The kernel reuses pids, and the wall clock can be set: a Raspberry Pi starts in the past. Boot id
 * and start time in the kernel's ticks stay unique. Both are compared first, and again before the
 * process is killed. Barnacle first asks it to stop, and gives it its grace period. So running turns are
 * answered, and the session can be resumed.
 */

import process from "node:process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isSameBoot } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { PROC, readBootId } from "./boot.ts";

export type PidFacts =
  | { readonly kind: "gone" }
  | {
    readonly kind: "running";
    /** Time from the kernel's start to the process's, in ticks. */
    readonly startTicks: number;
  }
  /** This system does not tell. */
  | { readonly kind: "unknown" };

/** Looks a pid up. A zombie, which waits for its parent, counts as ended. */
export function readPid(
  pid: number,
  read = (path: string): string => readFileSync(path, "utf8"),
): PidFacts {
  let text: string;
  try {
    text = read(`${PROC}/${pid}/stat`);
  } catch {
    // Without a mounted /proc no process is visible, not even this one.
    return canRead(`${PROC}/self/stat`, read) ? { kind: "gone" } : { kind: "unknown" };
  }
  // The program's name comes first, in brackets, and may contain brackets itself.
  const [state, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return { kind: "gone" };
  const startTicks = Number(rest[START_TICKS]);
  return Number.isSafeInteger(startTicks) ? { kind: "running", startTicks } : { kind: "unknown" };
}

/** `starttime` is field 22 of `proc_pid_stat(5)`, and the fourth is the first of the rest. */
const START_TICKS = 22 - 4;

function canRead(path: string, read: (path: string) => string): boolean {
  try {
    read(path);
    return true;
  } catch {
    return false; // which answers the question
  }
}

export interface ProcessToEnd {
  readonly pid: number;
  /** Identifies the start of the machine; absent if the host does not tell. */
  readonly bootId?: string;
  /** When the process began in that boot, in the kernel's ticks; absent if unknown. */
  readonly startTicks?: number;
}

/**
 * Why no process was ended.
 *
 * - `self`: the pid is this process's own.
 * - `system`: the pid belongs to the system's first process, or is no process's.
 * - `unproven`: this system cannot prove that the process is the one that took the lock.
 * - `forbidden`: the process belongs to another user.
 * - `survived`: the process survived SIGKILL, for instance because it waits for a disk.
 */
export type EndRefusal = "self" | "system" | "unproven" | "forbidden" | "survived";

export type EndDecision =
  | { readonly kind: "end" }
  /** The process has already ended; its pid may belong to another one. */
  | { readonly kind: "gone" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

export type Ended =
  | { readonly kind: "gone" }
  | { readonly kind: "ended"; readonly by: "SIGTERM" | "SIGKILL" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

const LOOK_EVERY_MS = 50;

/**
 * Milliseconds that a stop may take beyond `shutdown.graceSec`, for the last writes and the socket.
 */
export const STOP_EXTRA_MS = 5_000;

const KILLED_WITHIN_MS = 5_000;

export function mayEnd(holder: ProcessToEnd, facts: {
  /** This process's id. */
  readonly ownPid: number;
  /** Identifies the start of the machine; absent if the host does not tell. */
  readonly bootId?: string;
  /** The process that has the holder's pid now. */
  readonly process: PidFacts;
}): EndDecision {
  const { pid, bootId, startTicks } = holder;
  if (pid === facts.ownPid) return { kind: "refused", why: "self" };
  if (!Number.isSafeInteger(pid) || pid <= 1) return { kind: "refused", why: "system" };
  const isThisBoot = isSameBoot(bootId, facts.bootId);
  if (isThisBoot === undefined || startTicks === undefined) {
    return { kind: "refused", why: "unproven" };
  }
  if (!isThisBoot) return { kind: "gone" };
  switch (facts.process.kind) {
    case "gone":
      return { kind: "gone" };
    case "unknown":
      return { kind: "refused", why: "unproven" };
    case "running":
      return { kind: facts.process.startTicks === startTicks ? "end" : "gone" };
  }
}

/**
 * Ends a process, and resolves once it has ended.
 *
 * @param graceMs Its `shutdown.graceSec`, in milliseconds.
 */
export async function endProcess(
  holder: ProcessToEnd,
  graceMs: number,
  say: (event: string) => void,
): Promise<Ended> {
  const { pid } = holder;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const decision = decide(holder);
    const isFirst = signal === "SIGTERM";
    if (decision.kind === "gone") return isFirst ? decision : { kind: "ended", by: "SIGTERM" };
    if (decision.kind === "refused") return decision;
    const sent = sendSignal(pid, signal);
    if (sent === "forbidden") return { kind: "refused", why: "forbidden" };
    const withinMs = isFirst ? graceMs + STOP_EXTRA_MS : KILLED_WITHIN_MS;
    say(
      isFirst
        ? `Asked the Barnacle with pid ${pid} to stop; waiting up to ${withinMs / 1_000} s`
        : `The Barnacle with pid ${pid} did not stop; killed it`,
    );
    if (sent === "gone" || await hasEnded(holder, withinMs)) return { kind: "ended", by: signal };
  }
  return { kind: "refused", why: "survived" };
}

/** Polls, because the system reports the end of a process only to its parent. */
async function hasEnded(holder: ProcessToEnd, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (!isGone(holder)) {
    if (performance.now() >= until) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

function decide(holder: ProcessToEnd): EndDecision {
  return mayEnd(holder, {
    ownPid: process.pid,
    bootId: readBootId(),
    process: lookAt(holder.pid),
  });
}

/** Whether the holder's process has ended, as far as this system can prove it. */
export function isGone(holder: ProcessToEnd): boolean {
  return decide(holder).kind === "gone";
}

/** A process of another user that `/proc` hides still exists. */
function lookAt(pid: number): PidFacts {
  const found = readPid(pid);
  if (found.kind !== "gone") return found;
  return sendSignal(pid, 0) === "forbidden" ? { kind: "unknown" } : found;
}

function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL" | 0): "sent" | "gone" | "forbidden" {
  try {
    process.kill(pid, signal);
    return "sent";
  } catch (error) {
    const code = codeOf(error);
    if (code === "ESRCH") return "gone";
    if (code === "EPERM") return "forbidden";
    throw error;
  }
}
