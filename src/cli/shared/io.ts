/**
 * What a command may touch of the process: results go to stdout, all else to
 * stderr (O10).
 *
 * @module
 */

import process from "node:process";

export type Env = Readonly<Record<string, string | undefined>>;

export interface Io {
  readonly env: Env;
  readonly cwd: string;
  /** Whether a person reads stderr. */
  readonly isTerminal: boolean;
  /** A result, with its line break. */
  out(line: string): void;
  /** A problem or a note, with its line break. */
  err(line: string): void;
}

export function processIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    isTerminal: process.stderr.isTTY === true, // undefined, not false, on Bun
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
  };
}
