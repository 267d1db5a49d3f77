/**
 * The parts of the process that a command may use: results go to stdout, all else to stderr (O10).
 *
 * @module
 */

import process from "node:process";
import type { Env } from "../../lib/env.ts";
import { schedule } from "../../lib/clock.ts";
import { createStatusLine, type StatusLine } from "./status_line.ts";
import { PLAIN, type Style, styleFor } from "./style.ts";

/** Input and output of a command. */
export interface Io {
  /** Environment of the process. */
  readonly env: Env;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  /** Styles text for stdout. */
  readonly style: Style;
  /** Styles text for stderr. */
  readonly errStyle: Style;
  /** Writes a line of the result to stdout. */
  out(line: string): void;
  /** Writes a note to stderr. */
  err(line: string): void;
  /** Writes an error to stderr, after `barnacle: `. */
  problem(message: string): void;
  /** Shows a status line on a terminal while slow work runs: `"Asking Discord"`. */
  during<T>(text: string, work: Promise<T>): Promise<T>;
}

/** The process's two output streams, and its environment. */
export type Terminal = Pick<typeof process, "stdout" | "stderr" | "env">;

/**
 * Opens stdout and stderr of this process.
 *
 * @param flags With `--json` nothing is styled, and no status line appears.
 */
export function createProcessIo(
  { json }: { readonly json: boolean },
  { stdout, stderr, env }: Terminal = process,
): Io {
  const isTerminal = stderr.isTTY === true; // undefined, not false, on Bun
  const status: StatusLine = isTerminal && !json && env["TERM"] !== "dumb"
    ? createStatusLine(stderr, schedule)
    : { during: (_text, work) => work, erase() {} };
  const errStyle = json ? PLAIN : styleFor(stderr, env);

  function err(line: string): void {
    status.erase();
    stderr.write(`${line}\n`);
  }

  return {
    env,
    cwd: process.cwd(),
    isTerminal,
    style: json ? PLAIN : styleFor(stdout, env),
    errStyle,
    out(line) {
      status.erase();
      stdout.write(`${line}\n`);
    },
    err,
    problem: (message) => err(`${errStyle.red(errStyle.bold("barnacle:"))} ${message}`),
    during: status.during,
  };
}
