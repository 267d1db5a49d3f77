/** Chooses the service manager that `barnacle service` works with, or says why there is none. */

import { EXIT, StartError } from "../../cli/shared/exit_code.ts";

/**
 * - `systemd`: a unit of the machine; needs root.
 * - `systemd-user`: a unit of one user.
 * - `launchd`: a launch agent of one user of macOS.
 * - `task`: a task of Windows, which starts when one user logs on.
 */
export type ServiceTarget = "systemd" | "systemd-user" | "launchd" | "task";

export const WINDOWS_TASK = "Barnacle";

export interface ManagerFacts {
  readonly platform: string;
  readonly isRoot: boolean;
  /** Whether systemd is the machine's first process. */
  readonly hasSystemd: boolean;
  readonly isContainer: boolean;
  /** Why the user's own systemd does not answer; absent if it does. */
  readonly userManagerProblem?: string;
  readonly user: string;
}

/**
 * Chooses the service manager.
 *
 * @throws {StartError} If there is none, or this user may not use it.
 */
export function chooseTarget(facts: ManagerFacts): ServiceTarget {
  const { platform, isRoot, user } = facts;
  if (platform === "darwin") {
    if (!isRoot) return "launchd";
    throw refusal("on macOS, Barnacle is a launch agent of a user; run the command without sudo");
  }
  if (platform === "win32") return "task";
  if (platform !== "linux") {
    throw refusal(
      `Barnacle installs itself as a service of systemd, launchd and Windows, and not on ${platform}; ` +
        "start `barnacle run` with that system's own tools",
    );
  }
  if (facts.hasSystemd) {
    if (isRoot) return "systemd";
    if (facts.userManagerProblem === undefined) return "systemd-user";
    throw refusal(
      `the user manager of ${user} does not answer (${facts.userManagerProblem}). Log in as ${user} ` +
        `instead of using su or sudo, or run \`sudo loginctl enable-linger ${user}\` first. ` +
        "With sudo, this command installs a service of the whole machine",
    );
  }
  throw refusal(
    facts.isContainer
      ? "no service manager runs in this container; make `barnacle run` the container's command, " +
        "and let the container's engine restart it (docs/containers.md)"
      : "systemd does not run on this machine; start `barnacle run` with your supervisor " +
        "(docs/service.md)",
  );
}

function refusal(message: string): StartError {
  return new StartError(message, EXIT.failed);
}
