/**
 * Reads what surrounds the process: the kernel's boot, the time zone, systemd and containers; and what
 * the process uses of the machine.
 */

import process from "node:process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UTC } from "../../lib/clock.ts";
import type { Env } from "../../lib/env.ts";

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
