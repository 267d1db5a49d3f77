/**
 * Lets this process go on as the program that its file has now, as after an upgrade.
 *
 * Process id, arguments and standard streams stay. So a supervisor, and a terminal, see one process
 * that goes on.
 */

import { realpathSync, type Stats, statSync } from "node:fs";
import process from "node:process";
import { isCompiledUrl } from "./engine_options.ts";

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

export function canReplace(): boolean {
  return process.platform !== "win32" && process.execve !== undefined;
}

/**
 * Replaces this process by a program with the same arguments.
 *
 * @returns Only if the system refuses: the reason.
 */
export function replaceProcess(program: string): unknown {
  const { env, argv0, argv } = process;
  try {
    process.execve?.(program, [argv0, ...argv.slice(2)], { ...env });
    return new Error("this system cannot replace a process");
  } catch (error) {
    return error;
  }
}
