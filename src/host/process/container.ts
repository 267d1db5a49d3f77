/**
 * Detects whether this process runs in a container of an engine such as Docker, which provides the
 * name servers (O8).
 *
 * A container with a whole system, such as LXC or systemd-nspawn, has name servers of its own and
 * counts as a machine.
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import { existsSync, readFileSync } from "node:fs";

/** Files that the engines create: Docker, Podman. */
const MARKS: readonly string[] = ["/.dockerenv", "/run/.containerenv"];

/**
 * Values of `container` from Podman, and from images of Buildah; LXC and nspawn set their own
 * names.
 */
const ENGINES: readonly string[] = ["docker", "podman", "oci"];

const CGROUP = /docker|kubepods|containerd|libpod/;

/** The facts visible from inside. */
export interface ContainerPorts {
  /** Whether a path exists. */
  readonly exists: (path: string) => boolean;
  /** `/proc/1/cgroup`; empty if it does not exist. */
  readonly cgroup: () => string;
}

/**
 * Judges the facts.
 *
 * @param env Kubernetes sets a variable.
 */
export function isContainer(
  env: Env,
  { exists, cgroup }: ContainerPorts = { exists: existsSync, cgroup: readCgroup },
): boolean {
  if (env["KUBERNETES_SERVICE_HOST"] || ENGINES.includes(env["container"] ?? "")) return true;
  return MARKS.some((path) => exists(path)) || CGROUP.test(cgroup());
}

function readCgroup(): string {
  try {
    return readFileSync("/proc/1/cgroup", "utf8");
  } catch {
    return ""; // not Linux, or not readable
  }
}
