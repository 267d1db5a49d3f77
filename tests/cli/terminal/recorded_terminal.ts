/** Stands in for the process's output streams, and records all writes. */

import { PassThrough } from "node:stream";
import type { Terminal } from "../../../src/cli/terminal/io.ts";

/** Creates streams that are a terminal of many colours, or no terminal. */
export function recordedTerminal(
  { isTTY, env = {} }: { readonly isTTY: boolean; readonly env?: Record<string, string> },
) {
  const open = () => {
    const stream = new PassThrough();
    const chunks: string[] = [];
    stream.on("data", (chunk: Uint8Array) => void chunks.push(new TextDecoder().decode(chunk)));
    const terminal = Object.assign(stream, { isTTY, columns: 80, getColorDepth: () => 24 });
    return { stream: terminal as unknown as NodeJS.WriteStream & { fd: 1 & 2 }, chunks };
  };
  const stdout = open();
  const stderr = open();
  return {
    terminal: { stdout: stdout.stream, stderr: stderr.stream, env } satisfies Terminal,
    stdout: () => stdout.chunks.join(""),
    stderr: () => stderr.chunks.join(""),
  };
}
