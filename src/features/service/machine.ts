/** Reads the machine for a plan, and runs programs: always by their arguments, never by a shell. */

import process from "node:process";
import { execFile } from "node:child_process";
import { existsSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";
import { readBounded, withRegularFile } from "../../host/files/read_bounded.ts";
import { isContainer } from "../../host/process/boot.ts";
import { isCompiledUrl } from "../../host/process/engine_options.ts";
import type { Env } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { LABEL, type TaskState, taskState, UNIT, WINDOWS_TASK } from "./layout.ts";

/**
 * - `systemd`: a unit of the machine; needs root.
 * - `systemd-user`: a unit of one user.
 * - `launchd`: a launch agent of one user of macOS.
 * - `task`: a task of Windows, which starts when one user logs on.
 */
export type ServiceTarget = "systemd" | "systemd-user" | "launchd" | "task";

/**
 * Chooses the service manager that the commands work with.
 *
 * @throws {StartError} If there is none, or this user may not use it.
 */
export async function targetOf(machine: HostMachine): Promise<ServiceTarget> {
  const { platform, uid, user, env } = machine;
  const isRoot = uid === 0;
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
  if (exists(machine, "/run/systemd/system")) {
    if (isRoot) return "systemd";
    const { code, stderr } = await machine.run(["systemctl", "--user", "show-environment"]);
    if (code === 0) return "systemd-user";
    const problem = firstLine(stderr) || `systemctl ended with ${code}`;
    throw refusal(
      `the user manager of ${user} does not answer (${problem}). Log in as ${user} ` +
        `instead of using su or sudo, or run \`sudo loginctl enable-linger ${user}\` first. ` +
        "With sudo, this command installs a service of the whole machine",
    );
  }
  throw refusal(
    isContainer(env)
      ? "no service manager runs in this container; make `barnacle run` the container's command, " +
        "and let the container's engine restart it (docs/containers.md)"
      : "systemd does not run on this machine; start `barnacle run` with your supervisor " +
        "(docs/service.md)",
  );
}

function refusal(message: string): StartError {
  return new StartError(message, EXIT.failed);
}

/** Time that a command of a service manager gets; a stop waits for running turns. */
const RUN_MS = 150_000;
const NO_PROGRAM = 127;

export function openMachine(env: Env) {
  const { uid, username, homedir } = userInfo();
  return {
    platform: process.platform as string,
    env,
    /** Number of the user; 0 is root. */
    uid,
    user: process.platform === "win32" ? windowsUser(username, env) : username,
    home: homedir,
    /** Folder in place of `/`, in tests; otherwise empty. */
    root: "",
    /** The running binary; absent if Barnacle runs from source. */
    program: isCompiledUrl(import.meta.url) ? realpathSync(process.execPath) : undefined,
    /** Runs a program. Never rejects: a missing program ends with 127, as in a shell. */
    run: ([name, ...args]: readonly [string, ...string[]]) =>
      runProgram(name, args, programEnv(env)),
  };
}

/** Everything of the machine that the commands use. */
export type HostMachine = Readonly<ReturnType<typeof openMachine>>;

/**
 * The environment of a program. Root runs no program of a folder that others may write: `su` and
 * `sudo -E` can keep the path of a user.
 */
function programEnv(env: Env): Env {
  if (process.getuid?.() !== 0) return env;
  const own = (env["PATH"] ?? "").split(":").filter((folder) => {
    const stats = folder.startsWith("/") && statSync(folder, { throwIfNoEntry: false });
    return stats && stats.uid === 0 && (stats.mode & 0o002) === 0;
  });
  return { ...env, PATH: own.join(":") };
}

/** `"PC\\ada"`, without which a task could belong to a user of another domain. */
function windowsUser(name: string, env: Env): string {
  const domain = env["USERDOMAIN"] || env["COMPUTERNAME"];
  return domain ? `${domain}\\${name}` : name;
}

/** Path of a program of Windows, which otherwise looks in the working directory first. */
function systemProgram(
  name: string,
  { SystemRoot: root = "C:\\Windows" }: Env,
  platform: string = process.platform,
): string {
  return platform === "win32" ? `${root}\\System32\\${name}.exe` : name;
}

/** Runs a program in plain English, and with the socket of the user's own manager. */
function runProgram(
  name: string,
  args: readonly string[],
  env: Env,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const runtime = env["XDG_RUNTIME_DIR"] || `/run/user/${process.getuid?.() ?? 0}`;
  const options = {
    env: { ...env, LC_ALL: "C", XDG_RUNTIME_DIR: runtime },
    timeout: RUN_MS,
    maxBuffer: 4 * 1_024 * 1_024,
  };
  return new Promise((resolve) => {
    execFile(systemProgram(name, env), args, options, (error, stdout, stderr) => {
      const isMissing = codeOf(error) === "ENOENT";
      const code = typeof error?.code === "number" ? error.code : isMissing ? NO_PROGRAM : 1;
      resolve({
        code: error === null ? 0 : code,
        stdout,
        stderr: isMissing ? `${name} is not installed` : stderr,
      });
    });
  });
}

/** Whether the service manager starts the service at boot, and has it running. */
export async function stateOf(
  target: ServiceTarget,
  { run, uid }: HostMachine,
): Promise<{ readonly isActive: boolean; readonly isEnabled: boolean }> {
  switch (target) {
    case "launchd": {
      const isActive = (await run(["launchctl", "print", `gui/${uid}/${LABEL}`])).code === 0;
      return { isEnabled: isActive, isActive };
    }
    case "task": {
      const state = await queryTask(run);
      return { isEnabled: state !== undefined, isActive: state?.isRunning === true };
    }
    default: {
      const systemctl = (verb: string) => run(systemctlOf(target, verb, UNIT));
      const isEnabled = (await systemctl("is-enabled")).code === 0;
      return { isEnabled, isActive: (await systemctl("is-active")).code === 0 };
    }
  }
}

/** Asks the scheduler of Windows; `undefined` if it has no such task. */
export async function queryTask(run: HostMachine["run"]): Promise<TaskState | undefined> {
  const argv = ["/Query", "/TN", WINDOWS_TASK, "/FO", "CSV", "/V", "/NH"];
  const { code, stdout } = await run(["schtasks", ...argv]);
  return code === 0 ? taskState(stdout) : undefined;
}

/** A command line of systemctl for the machine or for this user. */
export function systemctlOf(
  target: ServiceTarget,
  ...words: readonly string[]
): [string, ...string[]] {
  return ["systemctl", ...(target === "systemd-user" ? ["--user"] : []), ...words];
}

/** Largest unit, config, secret or list of users; a larger file is something else. */
const FILE_MAX_BYTES = 4 * 1_024 * 1_024;

/**
 * The text of a file; `undefined` if there is none.
 *
 * @throws {FileRefusedError} If it is no file, or too large. Other errors are the system's.
 */
export function textOf({ root }: HostMachine, path: string): string | undefined {
  const place = `${root}${path}`;
  try {
    // The link that masks a unit.
    if (statSync(place).isCharacterDevice() && realpathSync(place) === "/dev/null") return "";
    return readBounded(place, { maxBytes: FILE_MAX_BYTES });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/**
 * The text of a file of the service.
 *
 * @throws {StartError} If it cannot be read.
 */
export function serviceText(machine: HostMachine, path: string): string | undefined {
  try {
    return textOf(machine, path);
  } catch (cause) {
    throw new StartError(`cannot read ${path}: ${whyUnreadable(cause)}`, EXIT.io, cause);
  }
}

/** The end of a growing file, from an offset in bytes on. */
export function endOf({ root }: HostMachine, path: string, from: number): string {
  try {
    return withRegularFile(`${root}${path}`, ({ size, readAt }) => {
      const start = from > size ? 0 : Math.max(from, size - FILE_MAX_BYTES); // rotated, or much
      return new TextDecoder().decode(readAt(start, size - start));
    });
  } catch {
    return ""; // there is none yet
  }
}

/** Size of a file in bytes; 0 without one. */
export function sizeOfFile({ root }: HostMachine, path: string): number {
  return statSync(`${root}${path}`, { throwIfNoEntry: false })?.size ?? 0;
}

export function exists({ root }: HostMachine, path: string): boolean {
  return existsSync(`${root}${path}`);
}

/** The first line of a program's output with text. */
export function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "";
}
