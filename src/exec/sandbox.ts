/**
 * Puts commands into bubblewrap: no network, nothing of the host but programs, its own processes.
 */

import { lstat, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ResolvedCommand } from "../core/exec/command.ts";
import { codeOf } from "../lib/errors.ts";
import {
  deviceFolder,
  MAX_FILE_BYTES,
  memoryFolder,
  type ProgramLaunch,
  type ProgramLimits,
  withLimits,
} from "../lib/program_limits.ts";
import { environmentFor } from "./resolve.ts";

/** Folders with programs and libraries, which commands may read. */
const READ_ONLY = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ssl/certs",
  "/etc/localtime",
];

/** Maximum number of open files of a process. */
const MAX_OPEN = "--nofile=1024";

/** The agent's instructions and skills in its workspace, which only people change (H4). */
const INSTRUCTIONS = ["AGENTS.md", "SOUL.md", "skills"];

/**
 * Makes sure that the workspace has its instructions, so that they can be made read-only: a command
 * could create missing ones.
 *
 * @throws {Error} If one of them is a link, or of another kind.
 */
export async function prepareInstructions(workspace: string): Promise<void> {
  for (const name of INSTRUCTIONS) {
    const path = join(workspace, name);
    const isFolder = !name.includes(".");
    if (isFolder) await mkdir(path, { mode: 0o700 }).catch(ignoreExisting);
    else await writeFile(path, "", { flag: "wx", mode: 0o600 }).catch(ignoreExisting);
    const found = await lstat(path);
    if (isFolder ? found.isDirectory() : found.isFile()) continue;
    throw new Error(
      `commands cannot run: ${name} of the workspace is no ${
        isFolder ? "folder" : "file"
      } of its ` +
        "own. Ask your operator to replace it.",
    );
  }
}

function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

/** A command with the limits of each of its processes. */
export function withExecLimits(
  launch: ProgramLaunch,
  prlimit: string | undefined,
  limits: ProgramLimits,
  further: readonly string[] = [],
): ProgramLaunch {
  return withLimits(launch, prlimit, limits, MAX_FILE_BYTES, [MAX_OPEN, ...further]);
}

export function inBubblewrap(
  { argv, path, realPath, cwd }: Pick<ResolvedCommand, "argv" | "path" | "realPath" | "cwd">,
  { workspace, bwrap, prlimit, limits }: {
    readonly workspace: string;
    readonly bwrap: string;
    readonly prlimit: string | undefined;
    readonly limits: ProgramLimits;
  },
): ProgramLaunch {
  // The number counts for a user, so outside the sandbox it would count all of that user.
  const processes = `--nproc=${limits.processes}`;
  const inner = withExecLimits({ file: path, args: argv.slice(1) }, prlimit, limits, [processes]);
  const outside = [...new Set([realPath, path])]
    .filter((place) => !READ_ONLY.some((folder) => place.startsWith(`${folder}/`)));
  return {
    file: bwrap,
    args: [
      "--unshare-all",
      "--die-with-parent",
      "--new-session",
      "--cap-drop",
      "ALL",
      "--clearenv",
      ...Object.entries(environmentFor(workspace)).flatMap(([name, value]) => [
        "--setenv",
        name,
        value,
      ]),
      ...READ_ONLY.flatMap((folder) => ["--ro-bind-try", folder, folder]),
      "--proc",
      "/proc",
      ...deviceFolder(limits.tempBytes),
      ...memoryFolder("/tmp", limits.tempBytes),
      ...outside.flatMap((place) => ["--ro-bind", realPath, place]),
      "--bind",
      workspace,
      workspace,
      // A mount point can be neither replaced nor renamed.
      ...INSTRUCTIONS.flatMap((name) => {
        const path = join(workspace, name);
        return ["--ro-bind", path, path];
      }),
      "--remount-ro", // it is in memory, too, and its size is not bounded
      "/",
      "--chdir",
      cwd,
      "--",
      inner.file,
      ...inner.args,
    ],
  };
}
