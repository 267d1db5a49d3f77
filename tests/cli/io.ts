/** Records a command's output for a test. */

import type { Env } from "../../src/lib/env.ts";
import type { Io } from "../../src/cli/terminal/io.ts";
import { PLAIN } from "../../src/cli/terminal/io.ts";

/** Output without styles, line by line. */
export type RecordedIo = Io & { readonly stdout: string[]; readonly stderr: string[] };

/** Creates the io of a command that runs without a terminal. */
export function recordingIo(env: Env = {}): RecordedIo {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    env,
    cwd: "/",
    isTerminal: false,
    style: PLAIN,
    errStyle: PLAIN,
    stdout,
    stderr,
    problem: (message) => stderr.push(`barnacle: ${message}`),
    during: (_text, work) => work,
    out: (line) => stdout.push(line),
    err: (line) => stderr.push(line),
  };
}
