/**
 * Whether this process runs in a container of an engine such as Docker, which
 * gives it its name servers from outside (O8).
 *
 * A container that runs a whole system, as LXC and systemd-nspawn make it, has
 * name servers of its own: it is a machine like any other.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";

/** Where the engines leave their mark: Docker, Podman. */
const MARKS: readonly string[] = ["/.dockerenv", "/run/.containerenv"];

/** What Podman, and images that Buildah made, say in `container`; LXC and nspawn say their names. */
const ENGINES: readonly string[] = ["docker", "podman", "oci"];

const CGROUP = /docker|kubepods|containerd|libpod/;

/** What is seen from within. */
export interface ContainerPorts {
  readonly exists: (path: string) => boolean;
  /** `/proc/1/cgroup`; empty where there is none. */
  readonly cgroup: () => string;
}

/** @param env Kubernetes says so there. */
export function isContainer(
  env: Readonly<Record<string, string | undefined>>,
  { exists, cgroup }: ContainerPorts = { exists: existsSync, cgroup: readCgroup },
): boolean {
  if (env["KUBERNETES_SERVICE_HOST"] || ENGINES.includes(env["container"] ?? "")) return true;
  return MARKS.some((path) => exists(path)) || CGROUP.test(cgroup());
}

function readCgroup(): string {
  try {
    return readFileSync("/proc/1/cgroup", "utf8");
  } catch {
    return ""; // not Linux, or none of our business
  }
}
