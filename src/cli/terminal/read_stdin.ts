/**
 * Reads stdin for commands that take `-`, up to a size, so that an endless input fills no memory.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { EXIT } from "../shared/exit_code.ts";
import { StartError } from "../shared/start_error.ts";

/** Largest input in bytes: as much text as a config may have. */
export const STDIN_MAX_BYTES = 1_024 * 1_024;

/**
 * Reads all of stdin as UTF-8.
 *
 * @param input Chunks of bytes; those of the process, unless a test has others.
 * @throws {StartError} If there is more.
 */
export async function readStdin(input: AsyncIterable<Uint8Array> = process.stdin): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > STDIN_MAX_BYTES) throw new StartError("stdin has more than 1 MiB", EXIT.usage);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
