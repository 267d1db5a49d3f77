/** Turns errors into a message of one line, and an exit code. */

import { ZodError } from "zod";
import { DataDirError } from "../../host/files/data_dir.ts";
import { HttpServerError } from "../../host/listen.ts";
import { FlockUnavailableError } from "../../host/locks/lock.ts";
import { isUnreachable, wordsOfCode } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { StoreError } from "../../store/database/database_files.ts";
import type { Io } from "../terminal/io.ts";
import { EXIT, type ExitCode, StartError } from "./exit_code.ts";
import { InstanceTakenError } from "./sole_instance.ts";

/**
 * Tells a fault of a file or a folder, which no stack explains.
 *
 * @returns `"cannot use /a/b: its disk is full"`; `undefined` for any other error.
 */
export function pathProblemOf(thrown: unknown): string | undefined {
  const words = wordsOfCode(thrown);
  const path = typeof thrown === "object" && thrown !== null && "path" in thrown
    ? thrown.path
    : undefined;
  return words === undefined || typeof path !== "string"
    ? undefined
    : `cannot use ${printable(path)}: ${words}`;
}

/** Known errors keep their message; any other error is a bug, and keeps its stack. */
export function toStartError(
  error: unknown,
): { readonly message: string; readonly code: ExitCode } {
  if (error instanceof StartError) return error;
  if (error instanceof InstanceTakenError) return { message: error.message, code: EXIT.tryAgain };
  if (
    error instanceof DataDirError || error instanceof StoreError ||
    error instanceof FlockUnavailableError
  ) {
    return { message: error.message, code: EXIT.io };
  }
  if (error instanceof ZodError) return { message: damageOf(error), code: EXIT.io };
  if (error instanceof HttpServerError) {
    return {
      message: error.message,
      code: error.kind === "port_in_use" ? EXIT.tryAgain : EXIT.config,
    };
  }
  if (isUnreachable(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    return { message: `cannot reach the network: ${reason}`, code: EXIT.tryAgain };
  }
  const problem = pathProblemOf(error);
  if (problem !== undefined) return { message: problem, code: EXIT.io };
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  return { message: `internal error, please report it: ${stack}`, code: EXIT.failed };
}

/** Runs the work of a command; prints its error, and returns the exit code for it. */
export async function reportingErrors(io: Io, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  }
}

/** Only stored rows are read with schemas that throw. An issue may quote a stored text. */
function damageOf({ issues: [first] }: ZodError): string {
  const field = first?.path.join(".") ?? "";
  return `A record in the store is damaged${field === "" ? "" : ` (${printable(field)})`}. ` +
    "Put a backup of the database in its place, without the files -wal and -shm";
}
