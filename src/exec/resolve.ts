/**
 * Looks a command up on the host: the real program, its content, and everything that an approval
 * binds (SEC-R20); and forms its environment.
 */

import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import process from "node:process";
import { basename, delimiter, dirname, join, resolve, sep } from "node:path";
import type { CommandRequest, ResolvedCommand } from "../core/exec/command.ts";
import { withHome } from "../lib/env.ts";

/** Maximum size of a file that an argument names, to be bound with its content. */
const MAX_BOUND_BYTES = 64 * 1024 * 1024;

/**
 * Resolves a command.
 *
 * @param workspace Real path of the workspace.
 * @throws {Error} If there is no such program, or the folder is not in the workspace.
 */
export async function resolveCommand(
  { argv, cwd }: CommandRequest,
  workspace: string,
): Promise<ResolvedCommand> {
  const folder = await realpath(resolve(workspace, cwd)).catch(() => undefined);
  if (folder === undefined || !isWithin(folder, workspace)) {
    throw new Error(`there is no folder ${JSON.stringify(cwd)} in the workspace`);
  }
  const { path, realPath } = await programOf(argv[0] ?? "", folder);
  const contentHash = await hashOf(realPath);
  const { ino, dev } = await stat(realPath);
  const files: (readonly [string, string])[] = [];
  for (const arg of argv.slice(1)) {
    const file = await fileOf(arg, folder);
    if (file !== undefined) files.push([file, await hashOf(file)]);
  }
  const env = environmentFor(workspace);
  const bound = { argv, cwd: folder, env, path, realPath, ino, dev, contentHash, files };
  return {
    argv,
    path,
    realPath,
    contentHash,
    cwd: folder,
    filesHash: hash("sha256", JSON.stringify(files), "hex"),
    binding: hash("sha256", JSON.stringify(bound), "hex"),
    isInWorkspace: isWithin(path, workspace) || isWithin(realPath, workspace),
    namesProgram: await namesProgram(argv.slice(1), folder),
  };
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Whether an argument, or the value of an option, is the name or path of a program. */
async function namesProgram(args: readonly string[], folder: string): Promise<boolean> {
  const words = args.flatMap((arg) => [arg, arg.slice(arg.indexOf("=") + 1)]);
  const names = new Set(words.filter((word) => !word.startsWith("-") && !word.includes("\0")));
  for (const name of names) {
    if (await programOf(name, folder).then(() => true, () => false)) return true;
  }
  return false;
}

/** Finds a program: by its own path, or by the fixed search path. */
async function programOf(
  program: string,
  folder: string,
): Promise<Pick<ResolvedCommand, "path" | "realPath">> {
  const written = withHome(program, process.env["HOME"] ?? homedir());
  const places = written.includes("/")
    ? [resolve(folder, written)]
    : EXEC_PATH.split(delimiter).map((one) => join(one, program));
  for (const place of program === "" ? [] : places) {
    try {
      const realPath = await realpath(place);
      await access(realPath, constants.X_OK);
      if (!(await stat(realPath)).isFile()) continue;
      const name = basename(place);
      const path = name === basename(realPath)
        ? realPath
        : join(await realpath(dirname(place)), name);
      return { path, realPath };
    } catch {
      // the next place
    }
  }
  throw new Error(`there is no program ${JSON.stringify(program)}`);
}

/** The file that an argument names; `undefined` if it names none, or one that is too large. */
async function fileOf(arg: string, folder: string): Promise<string | undefined> {
  const written = arg.slice(arg.indexOf("=") + 1);
  if (written === "" || written.includes("\0")) return undefined;
  try {
    const path = await realpath(resolve(folder, written));
    const found = await stat(path);
    return found.isFile() && found.size <= MAX_BOUND_BYTES ? path : undefined;
  } catch {
    return undefined;
  }
}

async function hashOf(path: string): Promise<string> {
  const sum = createHash("sha256");
  for await (const part of createReadStream(path)) sum.update(part);
  return sum.digest("hex");
}

/** Where commands find programs. */
const EXEC_PATH = "/usr/local/bin:/usr/bin:/bin";

/** The whole environment of a command. */
export function environmentFor(workspace: string): Readonly<Record<string, string>> {
  return { PATH: EXEC_PATH, HOME: workspace, LANG: "C.UTF-8", TMPDIR: "/tmp", TERM: "dumb" };
}
