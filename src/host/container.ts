/**
 * Whether this process runs in a container, whose name servers and network are
 * given to it from outside (O8).
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";

/** Where the engines leave their mark: Docker, Podman. */
const MARKS: readonly string[] = ["/.dockerenv", "/run/.containerenv"];

/** @param env Kubernetes says so there. */
export function isContainer(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env["KUBERNETES_SERVICE_HOST"] || env["container"]) return true;
  return MARKS.some((path) => existsSync(path)) || CGROUP.test(readCgroup());
}

const CGROUP = /docker|kubepods|containerd|libpod|lxc/;

function readCgroup(): string {
  try {
    return readFileSync("/proc/1/cgroup", "utf8");
  } catch {
    return ""; // not Linux, or none of our business
  }
}
