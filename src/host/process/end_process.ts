/**
 * Ends the Barnacle that is in the way, for `run --force` (G11).
 *
 * A pid that was written down may be anybody's by now, so the boot and the start
 * of the process are compared first, and again before it is killed. It is asked
 * to stop before it is made to, and has the time that a stop takes: what it was
 * answering is then answered, and its session can be resumed.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../lib/error_code.ts";
import { isSameBoot } from "../../lib/boot_id.ts";
import { type PidFacts, readBootId, readPid } from "./boot.ts";

/** Who is to end, as it said itself in its lock. */
export interface Holder {
  readonly pid: number;
  readonly bootId?: string | undefined;
  /** In the kernel's ticks. */
  readonly startTicks?: number | undefined;
}

/** What is known of this machine. */
export interface MachineFacts {
  readonly ownPid: number;
  readonly bootId?: string | undefined;
  /** Of the holder's pid, now. */
  readonly process: PidFacts;
}

/**
 * Why nothing was ended.
 *
 * - `self`: the pid is this process's own.
 * - `system`: it is the system's first process, or no process's.
 * - `unproven`: nobody can tell here whether it is still the one that took the lock.
 * - `forbidden`: it is another user's.
 * - `survived`: it is still there after SIGKILL, as one that waits for a disk is.
 */
export type EndRefusal = "self" | "system" | "unproven" | "forbidden" | "survived";

export type EndDecision =
  | { readonly kind: "end" }
  /** It is over already; its pid may have been given anew. */
  | { readonly kind: "gone" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

export type Ended =
  | { readonly kind: "gone" }
  /** It ended after this signal. */
  | { readonly kind: "ended"; readonly by: "SIGTERM" | "SIGKILL" }
  | { readonly kind: "refused"; readonly why: EndRefusal };

export interface EndPorts {
  readonly ownPid: number;
  readonly bootId?: string | undefined;
  readonly look: (pid: number) => PidFacts;
  readonly signal: (pid: number, signal: "SIGTERM" | "SIGKILL") => "sent" | "gone" | "forbidden";
  /** In milliseconds, on a clock that nobody sets. */
  readonly steadyNow: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Told what is done, as it is done. */
  readonly say: (event: string) => void;
}

/** Milliseconds between two looks at whether it is gone. */
const LOOK_EVERY_MS = 50;

/** Milliseconds that a stop may take beyond `shutdown.graceSec`: the last writes, and the socket. */
export const STOP_EXTRA_MS = 5_000;

/** Milliseconds after which what SIGKILL did not end will not end. */
const KILLED_WITHIN_MS = 5_000;

/** Whether the process that a holder names may be ended. */
export function mayEnd(holder: Holder, facts: MachineFacts): EndDecision {
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
 * Ends a process, and resolves once it is gone.
 *
 * @param graceMs Its `shutdown.graceSec`, in milliseconds.
 */
export async function endProcess(
  holder: Holder,
  graceMs: number,
  ports: EndPorts,
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
        ? `Asked the Barnacle with pid ${pid} to stop; it has ${withinMs / 1_000} s`
        : `The Barnacle with pid ${pid} does not stop; killed it`,
    );
    if (sent === "gone" || await isGone(holder, withinMs, ports)) {
      return { kind: "ended", by: signal };
    }
  }
  return { kind: "refused", why: "survived" };
}

/** Looks again and again, since nobody is told of the end of a process that is no child. */
async function isGone(holder: Holder, withinMs: number, ports: EndPorts): Promise<boolean> {
  const until = ports.steadyNow() + withinMs;
  while (decide(holder, ports).kind !== "gone") {
    if (ports.steadyNow() >= until) return false;
    await ports.sleep(LOOK_EVERY_MS);
  }
  return true;
}

function decide(holder: Holder, { ownPid, bootId, look }: EndPorts): EndDecision {
  return mayEnd(holder, { ownPid, bootId, process: look(holder.pid) });
}

/** The ports of this machine. */
export function processPorts(say: (event: string) => void): EndPorts {
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

/** A process that `/proc` hides, another user's, is there all the same. */
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
