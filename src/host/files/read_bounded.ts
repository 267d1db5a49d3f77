/**
 * Reads a file up to a size, so that a wrong path fills no memory.
 *
 * A path can point to another file at each use. So all checks are made on the file that is open.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  statfsSync,
  type Stats,
  statSync,
} from "node:fs";

/** The bound of a read. */
export interface ReadBound {
  /** Largest size of the file. */
  readonly maxBytes: number;
  /** Whether an open pipe is a file too, such as `/dev/stdin`; its writer ends it. */
  readonly acceptsPipes?: boolean;
}

/** A file that is not read; `code` is the system's name for the reason. */
export class FileRefusedError extends Error {
  override readonly name = "FileRefusedError";
  /**
   * `EFBIG`: too large. `EISDIR`: a folder. `ENODEV`: a device, a socket, or a pipe. `ENOTSUP`: a
   * file that the system makes up, such as those in `/proc`.
   */
  readonly code: "EFBIG" | "EISDIR" | "ENODEV" | "ENOTSUP";

  constructor(code: FileRefusedError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Paths of files that are open in this process. A shell's `<(…)` is one of them. */
const OPEN_FILE = /^\/(?:dev\/stdin|(?:dev|proc\/self)\/fd\/\d+)$/;

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file as UTF-8.
 *
 * @throws {FileRefusedError} If it is too large, or no file. Other errors are the system's.
 */
export function readBounded(path: string, { maxBytes, acceptsPipes = false }: ReadBound): string {
  const mayBePipe = acceptsPipes && OPEN_FILE.test(path);
  // Without a writer, opening a pipe would wait for ever. Windows has no such flag, and no pipes.
  const noWait = mayBePipe ? 0 : constants.O_NONBLOCK ?? 0;
  const descriptor = openSync(path, constants.O_RDONLY | noWait);
  try {
    const stat = fstatSync(descriptor);
    if (!(mayBePipe && stat.isFIFO())) assertRegular(stat);
    if (stat.size > maxBytes) throw tooLarge(maxBytes);
    return readAll(descriptor, maxBytes).toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** A file that is open. */
export interface OpenFile {
  /** Path of the open file, without links. */
  readonly realPath: string;
  /** Its size when it was opened. */
  readonly size: number;
  /**
   * Reads the whole file.
   *
   * @throws {FileRefusedError} `EFBIG` if it has more; `ENOTSUP` if the system makes it up.
   */
  read(maxBytes: number): Uint8Array<ArrayBuffer>;
}

/**
 * Opens a regular file for `use`, and closes it. It never waits: a pipe, a device and the files of
 * `/proc` and `/sys` are refused.
 *
 * @throws {FileRefusedError} If it is no regular file. Other errors are the system's.
 */
export function withRegularFile<T>(path: string, use: (file: OpenFile) => T): T {
  assertRegular(statSync(path)); // opening a device can change its state
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    assertRegular(stat);
    const realPath = pathOf(descriptor, path);
    if (isMadeUp(descriptor, realPath)) throw madeUp();
    return use({
      realPath,
      size: stat.size,
      read(maxBytes) {
        if (stat.size > maxBytes) throw tooLarge(maxBytes);
        const bytes = new Uint8Array(readAll(descriptor, maxBytes));
        if (stat.size === 0 && bytes.length > 0 && fstatSync(descriptor).size === 0) throw madeUp();
        return bytes;
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

function assertRegular(stat: Pick<Stats, "isDirectory" | "isFile">): void {
  if (stat.isDirectory()) throw new FileRefusedError("EISDIR", "it is a folder");
  if (!stat.isFile()) throw new FileRefusedError("ENODEV", "it is no regular file");
}

/** Linux knows the path of an open file. Elsewhere, a link may have changed since. */
function pathOf(descriptor: number, path: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return realpathSync(path);
  }
}

/** File systems of Linux without stored files: proc, sys, debug, trace, security, cgroup, bpf. */
const MADE_UP: readonly number[] = [
  0x9fa0,
  0x62656572,
  0x64626720,
  0x74726163,
  0x73636673,
  0x27e0eb,
  0x63677270,
  0xcafe4a11,
];

function isMadeUp(descriptor: number, realPath: string): boolean {
  if (/^\/(?:proc|sys)\//.test(realPath)) return true;
  try {
    return MADE_UP.includes(statfsSync(`/proc/self/fd/${descriptor}`).type >>> 0);
  } catch {
    return false; // no Linux
  }
}

function madeUp(): FileRefusedError {
  return new FileRefusedError("ENOTSUP", "the system makes it up");
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
