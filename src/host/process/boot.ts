/**
 * Reads what surrounds the process: the kernel's boot, the time zone, systemd and containers; and
 * identifies a process beyond its pid, by the boot id and the process's start time in that boot.
 *
 * The kernel reuses pids, and the wall clock can be set: a Raspberry Pi starts in the past. Boot id
 * and start time in the kernel's ticks stay unique.
 *
 * `run --force` ends the other Barnacle (G11): boot and start time are compared first, and again before
 * it is killed. Barnacle first asks the process to stop, and gives it its grace period. So running
 * turns are answered, and the session can be resumed.
 */

import process from "node:process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UTC } from "../../lib/clock.ts";
import { type Env, isSameBoot } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";

/**
 * Whether a supervisor starts the process again: systemd, whose main process it is, Kubernetes, or
 * another one that says so by `BARNACLE_SUPERVISED=1`. A variable of systemd's alone is no sign,
 * because desktops pass it on to terminals.
 */
export function isSupervised(env: Env, pid: number = process.pid): boolean {
  return env["SYSTEMD_EXEC_PID"] === String(pid) || Boolean(env["KUBERNETES_SERVICE_HOST"]) ||
    env["BARNACLE_SUPERVISED"] === "1";
}

/** Begins an orderly stop. */
export function stopProcess(): void {
  process.kill(process.pid, "SIGTERM");
}

/** Reads a file; throws if it does not exist. */
type ReadText = (path: string) => string;

export type PidFacts =
  | { readonly kind: "gone" }
  | {
    readonly kind: "running";
    /** Time from the kernel's start to the process's, in ticks. */
    readonly startTicks: number;
  }
  /** This system does not tell. */
  | { readonly kind: "unknown" };

/**
 * The kernel's folder of processes. On Windows, every user could create a folder `\\proc`, and forge its
 * files. So the path there is one that cannot exist.
 */
export const PROC = process.platform === "win32" ? "?:/proc" : "/proc";

const readText: ReadText = (path) => readFileSync(path, "utf8");

/**
 * Set by the systemd unit, because its `ProcSubset=pid` hides the kernel's file from the service.
 */
const BOOT_ID_VARIABLE = "BARNACLE_BOOT_ID";

/** 32 hexadecimal digits; the kernel writes them with dashes, systemd without. */
const BOOT_ID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/**
 * Reads the id of this boot.
 *
 * @returns The id as its source writes it; `undefined` if this system does not tell.
 */
export function readBootId(read: ReadText = readText, env: Env = process.env): string | undefined {
  try {
    return read(`${PROC}/sys/kernel/random/boot_id`).trim();
  } catch {
    // Not Linux, or hidden. A text such as an unexpanded "%b" is no id: it would stay the same for
    // ever.
    const told = env[BOOT_ID_VARIABLE]?.trim() ?? "";
    return BOOT_ID.test(told) ? told : undefined;
  }
}

/** Looks a pid up. A zombie, which waits for its parent, counts as ended. */
export function readPid(pid: number, read: ReadText = readText): PidFacts {
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

function canRead(path: string, read: ReadText): boolean {
  try {
    read(path);
    return true;
  } catch {
    return false; // which answers the question
  }
}

/** Files that the engines create: Docker, Podman. */
const MARKS: readonly string[] = ["/.dockerenv", "/run/.containerenv"];

/**
 * Values of `container` from Podman, and from images of Buildah; LXC and nspawn set their own
 * names.
 */
const ENGINES: readonly string[] = ["docker", "podman", "oci"];

const CGROUP = /docker|kubepods|containerd|libpod/;

/**
 * Judges the facts.
 *
 * @param env Kubernetes sets a variable.
 */
export function isContainer(
  env: Env,
  exists: (path: string) => boolean = existsSync,
  cgroup = readCgroup,
): boolean {
  if (env["KUBERNETES_SERVICE_HOST"] || ENGINES.includes(env["container"] ?? "")) return true;
  return MARKS.some((path) => exists(path)) || CGROUP.test(cgroup());
}

function readCgroup(): string {
  try {
    return readFileSync(`${PROC}/1/cgroup`, "utf8");
  } catch {
    return ""; // not Linux, or not readable
  }
}

/** Whether the process is part of a service's control group; `false` on other systems. */
export function isService(pid: number | "self"): boolean {
  try {
    return isServiceGroup(readFileSync(`${PROC}/${pid}/cgroup`, "utf8"));
  } catch {
    return false; // no such process, or no Linux
  }
}

/**
 * Whether a control group belongs to a service. A terminal's group ends with `.scope`, even if it
 * is below the service of a user's session.
 *
 * @param text Content of `/proc/<pid>/cgroup`.
 */
export function isServiceGroup(text: string): boolean {
  return text.split("\n").some((line) => /\.service$/.test(line));
}

/** Linux's link to the zone of the machine. */
const LOCAL_TIME = "/etc/localtime";

/** The zone UTC as `TZ` names it, or as the end of that link. */
const UTC_NAME = /^(?:.*\/zoneinfo\/)?(?:Etc\/)?UTC$/;

/**
 * The host's IANA time zone: `"Europe/Vienna"`.
 *
 * The runtime loads the tables of all zones and languages for the first local time: 3 to 8 ms of CPU
 * time. Most servers run on UTC, and times in UTC need no tables. So the rule by which the runtime finds
 * the zone comes first, for UTC alone.
 */
export function hostTimezone(
  { TZ: zone }: Env = process.env,
  readLink: (path: string) => string = readlinkSync,
  askRuntime: () => string = () => Intl.DateTimeFormat().resolvedOptions().timeZone,
): string {
  return UTC_NAME.test(zone ?? linked(readLink)) ? UTC : askRuntime();
}

/** `agents.defaults.timezone`, or the host's. */
export function timezoneOf(
  { agents }: {
    readonly agents: { readonly defaults: { readonly timezone?: string | undefined } };
  },
): string {
  return agents.defaults.timezone ?? hostTimezone();
}

function linked(readLink: (path: string) => string): string {
  try {
    return readLink(LOCAL_TIME);
  } catch {
    return ""; // not Linux, or a copy of the zone's file: only the runtime can tell
  }
}

/** Seconds of CPU time of this process since its start, all threads together. */
export function cpuSec(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

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
