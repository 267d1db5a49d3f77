/**
 * Says why the program of an MCP server does not run.
 *
 * The failure is one of the program, so the log gets the reason without a stack of Barnacle's.
 *
 * @module
 */

import { PathError } from "../lib/errors.ts";

/**
 * - `missing`: there is no such program.
 * - `unstarted`: the program is there, and the system does not start it.
 * - `ended`: it ran and has ended, or Barnacle ended it.
 */
export type ProgramErrorKind = "missing" | "unstarted" | "ended";

/** The program of a server does not run; the message says why. */
export class ProgramError extends PathError<ProgramErrorKind> {
  /** Name of the class, as logs show it. */
  override readonly name = "ProgramError";
}

/**
 * The failure of a start.
 *
 * @param command The program, as the config names it.
 * @param code Of the system: `ENOENT`.
 */
export function unstarted(command: string, code: string | undefined): ProgramError {
  return code === "ENOENT"
    ? new ProgramError(
      `there is no program ${command}: install it, or correct the server's command`,
      { kind: "missing", path: command },
    )
    : new ProgramError(
      `the program ${command} cannot be started (${
        code ?? "unknown reason"
      }): see that this user ` +
        "may run it, or correct the server's command",
      { kind: "unstarted", path: command },
    );
}
