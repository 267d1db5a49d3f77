/**
 * What a command wrote, for a test to read.
 *
 * @module
 */

import type { Env, Io } from "../../src/cli/shared/io.ts";

export interface RecordedIo extends Io {
  readonly stdout: string[];
  readonly stderr: string[];
}

export function recordingIo(env: Env = {}): RecordedIo {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    env,
    cwd: "/",
    isTerminal: false,
    stdout,
    stderr,
    out: (line) => stdout.push(line),
    err: (line) => stderr.push(line),
  };
}
