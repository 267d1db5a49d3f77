/**
 * Tells whether systemd runs a process as a service.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** Whether the process is part of a service's control group; `false` on other systems. */
export function isService(pid: number | "self"): boolean {
  try {
    return isServiceGroup(readFileSync(`/proc/${pid}/cgroup`, "utf8"));
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
