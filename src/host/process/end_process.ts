/**
 * Ends the other Barnacle, for `run --force` (G11).
 *
 * The kernel reuses pids, so the boot and the start time of the process are compared first, and
 * again before it is killed. Barnacle first asks the process to stop, and gives it its grace
 * period. So running turns are answered, and the session can be resumed.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../lib/errors.ts";
import { isSameBoot } from "../../lib/env.ts";
import { type PidFacts, readBootId, readPid } from "./boot.ts";

export interface ProcessToEnd {
  readonly pid: number;
  /** Identifies the start of the machine; absent if the host does not tell. */
  readonly bootId?: string;
  /** In the kernel's ticks. */
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

/** Whether a process may be ended, or why not. */
export type EndDecision =
  | { readonly kind: "end" }
  /** The process has already ended; its pid may belong to another one. */
  | { readonly kind: "gone" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

/** How a process ended, or why it did not. */
export type Ended =
  | { readonly kind: "gone" }
  | { readonly kind: "ended"; readonly by: "SIGTERM" | "SIGKILL" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

export interface EndProcessPorts {
  /** This process's id. */
  readonly ownPid: number;
  /** Identifies the start of the machine; absent if the host does not tell. */
  readonly bootId?: string;
  readonly look: (pid: number) => PidFacts;
  readonly signal: (pid: number, signal: "SIGTERM" | "SIGKILL") => "sent" | "gone" | "forbidden";
  /** Milliseconds of a monotonic clock. */
  readonly steadyNow: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Called with each step. */
  readonly say: (event: string) => void;
}

/** Milliseconds between two checks whether the process has ended. */
const LOOK_EVERY_MS = 50;

/**
 * Milliseconds that a stop may take beyond `shutdown.graceSec`, for the last writes and the socket.
 */
export const STOP_EXTRA_MS = 5_000;

/** Milliseconds to wait after SIGKILL. */
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
  ports: EndProcessPorts,
): Promise<Ended> {
  const { pid } = holder;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const decision = decide(holder, ports);
    const isFirst = signal === "SIGTERM";
    if (decision.kind === "gone") return isFirst ? decision : { kind: "ended", by: "SIGTERM" };
    if (decision.kind === "refused") return decision;
    const sent = ports.signal(pid, signal);
    if (sent === "forbidden") return { kind: "refused", why: "forbidden" };
    const withinMs = isFirst ? graceMs + STOP_EXTRA_MS : KILLED_WITHIN_MS;
    ports.say(
      isFirst
        ? `Asked the Barnacle with pid ${pid} to stop; waiting up to ${withinMs / 1_000} s`
        : `The Barnacle with pid ${pid} did not stop; killed it`,
    );
    if (sent === "gone" || await hasEnded(holder, withinMs, ports)) {
      return { kind: "ended", by: signal };
    }
  }
  return { kind: "refused", why: "survived" };
}

/** Polls, because the system reports the end of a process only to its parent. */
async function hasEnded(
  holder: ProcessToEnd,
  withinMs: number,
  ports: EndProcessPorts,
): Promise<boolean> {
  const until = ports.steadyNow() + withinMs;
  while (decide(holder, ports).kind !== "gone") {
    if (ports.steadyNow() >= until) return false;
    await ports.sleep(LOOK_EVERY_MS);
  }
  return true;
}

function decide(holder: ProcessToEnd, { ownPid, bootId, look }: EndProcessPorts): EndDecision {
  return mayEnd(holder, { ownPid, bootId, process: look(holder.pid) });
}

/** Whether the holder's process has ended, as far as this system can prove it. */
export function isGone(holder: ProcessToEnd): boolean {
  return decide(holder, processPorts(() => {})).kind === "gone";
}

export function processPorts(say: (event: string) => void): EndProcessPorts {
  return {
    ownPid: process.pid,
    bootId: readBootId(),
    look: lookAt,
    signal: sendSignal,
    steadyNow: () => performance.now(),
    sleep,
    say,
  };
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
