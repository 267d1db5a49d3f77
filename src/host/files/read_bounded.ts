/**
 * Reads a text file up to a size, so that a wrong path fills no memory.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** The bound of a read. */
export interface ReadBound {
  /** Largest size of the file. */
  readonly maxBytes: number;
  /** Whether a pipe is a file too; its writer ends it. */
  readonly acceptsPipes?: boolean;
}

/** A file that is not read; `code` is the system's name for the reason. */
export class FileRefusedError extends Error {
  override readonly name = "FileRefusedError";
  /** `EFBIG`: too large. `EISDIR`: a folder. `ENODEV`: a device, a socket, or a pipe. */
  readonly code: "EFBIG" | "EISDIR" | "ENODEV";

  constructor(code: FileRefusedError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file as UTF-8.
 *
 * @throws {FileRefusedError} If it is too large, or no file. Other errors are the system's.
 */
export function readBounded(path: string, { maxBytes, acceptsPipes = false }: ReadBound): string {
  // Without a writer, opening a pipe would wait for ever. Windows has no such flag, and no pipes.
  const noWait = acceptsPipes ? 0 : constants.O_NONBLOCK ?? 0;
  const descriptor = openSync(path, constants.O_RDONLY | noWait);
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new FileRefusedError("EISDIR", "it is a folder");
    if (!stat.isFile() && !(acceptsPipes && stat.isFIFO())) {
      throw new FileRefusedError("ENODEV", "it is no regular file");
    }
    if (stat.size > maxBytes) throw tooLarge(maxBytes);
    return readAll(descriptor, maxBytes).toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** A file can grow meanwhile, and the size of a pipe or of a file in `/proc` is 0. */
function readAll(descriptor: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0;;) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes + 1 - total));
    const length = readSync(descriptor, chunk);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk.subarray(0, length));
  }
}

function tooLarge(maxBytes: number): FileRefusedError {
  return new FileRefusedError("EFBIG", `it has more than ${maxBytes / 1024} KiB`);
}
