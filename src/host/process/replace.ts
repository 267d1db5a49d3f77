/**
 * Lets this process go on as the program that its file has now, as after an upgrade.
 *
 * Process id, arguments and standard streams stay. So a supervisor, and a terminal, see one process
 * that goes on.
 */

import { realpathSync, type Stats, statSync } from "node:fs";
import process from "node:process";
import { isCompiledUrl, type Replaceable } from "./engine_options.ts";

/** Path of the running binary, with links resolved; `undefined` if Barnacle runs from source. */
export function programFile(): string | undefined {
  return isCompiledUrl(import.meta.url) ? realpathSync(process.execPath) : undefined;
}

/** Watches whether the file of a program has been exchanged. */
export function watchProgram(program: string): () => boolean {
  const started = identityOf(program);
  return () => {
    const now = identityOf(program);
    return now !== undefined && now !== started;
  };
}

function identityOf(path: string): string | undefined {
  const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

export function canReplace(target: Pick<Replaceable, "execve"> = process): boolean {
  return process.platform !== "win32" && target.execve !== undefined;
}

/**
 * Replaces this process.
 *
 * @param args Arguments of the program; by default those of this process.
 * @returns Only if the system refuses: the reason.
 */
export function replaceProcess(
  program: string,
  args: readonly string[] = process.argv.slice(2),
  target: Pick<Replaceable, "env" | "argv0" | "execve"> = process,
): unknown {
  const { env, argv0 } = target;
  try {
    target.execve?.(program, [argv0, ...args], { ...env });
    return new Error("this system cannot replace a process");
  } catch (error) {
    return error;
  }
}
