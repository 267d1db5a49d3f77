/**
 * Reads a file up to a size, so that a wrong path fills no memory.
 *
 * A path can point to another file at each use. So all checks are made on the file that is open.
 *
 * It also reads the permissions of all folders by which a file can be exchanged.
 */

import { Buffer } from "node:buffer";
import {
  accessSync,
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
import { dirname } from "node:path";
import { codeOf } from "../../lib/errors.ts";
import { decodeOwnText } from "../../lib/text/encoding.ts";
import { PROC } from "../process/boot.ts";

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

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file as UTF-8 or UTF-16.
 *
 * @throws {FileRefusedError} If it is too large, or no file. Other errors are the system's.
 */
export function readBounded(path: string, { maxBytes }: { readonly maxBytes: number }): string {
  // Without a writer, opening a pipe would wait for ever. Windows has no such flag, and no pipes.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    assertRegular(stat);
    if (stat.size > maxBytes) throw tooLarge(maxBytes);
    return decodeOwnText(readAll(maxBytes, (chunk) => readSync(descriptor, chunk)));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a regular file for `use`, and closes it. It never waits: a pipe, a device and the files of
 * `/proc` and `/sys` are refused.
 *
 * @throws {FileRefusedError} If it is no regular file. Other errors are the system's.
 */
export function withRegularFile<T>(
  path: string,
  use: (file: {
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
    /** Reads so many bytes from an offset on; fewer at the file's end. */
    readAt(offset: number, bytes: number): Uint8Array<ArrayBuffer>;
  }) => T,
): T {
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
      readAt(offset, length) {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
      },
      read(maxBytes) {
        if (stat.size > maxBytes) throw tooLarge(maxBytes);
        const bytes = new Uint8Array(readAll(maxBytes, (chunk) => readSync(descriptor, chunk)));
        if (stat.size === 0 && bytes.length > 0 && fstatSync(descriptor).size === 0) throw madeUp();
        return bytes;
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

function assertRegular(stat: Stats): void {
  if (stat.isDirectory()) throw new FileRefusedError("EISDIR", "it is a folder");
  if (!stat.isFile()) throw new FileRefusedError("ENODEV", "it is no regular file");
}

/** Linux knows the path of an open file. Elsewhere, a link may have changed since. */
function pathOf(descriptor: number, path: string): string {
  try {
    return readlinkSync(`${PROC}/self/fd/${descriptor}`);
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
    return MADE_UP.includes(statfsSync(`${PROC}/self/fd/${descriptor}`).type >>> 0);
  } catch {
    return false; // no Linux
  }
}

function madeUp(): FileRefusedError {
  return new FileRefusedError("ENOTSUP", "the system makes it up");
}

/** A file can grow meanwhile, and the size of a file in `/proc` is 0. */
function readAll(maxBytes: number, read: (chunk: Buffer) => number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0;;) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes + 1 - total));
    const length = read(chunk);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk.subarray(0, length));
  }
}

function tooLarge(maxBytes: number): FileRefusedError {
  return new FileRefusedError("EFBIG", `it has more than ${maxBytes / 1024} KiB`);
}

/**
 * Reads the folder of a file and all folders above, up to the root. If the path is a link, the
 * folders of its target count too. Folders of a read-only file system are left out, because no one
 * can change them: Kubernetes mounts a config with the mode 777 in such a one.
 *
 * @param path An existing file.
 * @returns Absolute paths without links, each with its type in `mode`.
 * @throws If the path, or a folder of it, does not exist.
 */
export function foldersOf(path: string): readonly (Pick<Stats, "mode" | "uid" | "gid"> & {
  readonly path: string;
  readonly isDirect: boolean;
})[] {
  const direct = new Set([realpathSync(dirname(path)), dirname(realpathSync(path))]);
  const all = new Set([...direct].flatMap(upFrom));
  return [...all].filter((folder) => !isReadOnly(folder)).map((folder) => {
    const { mode, uid, gid } = statSync(folder);
    return { path: folder, mode, uid, gid, isDirect: direct.has(folder) };
  });
}

/** `["/etc/barnacle", "/etc", "/"]`. */
function upFrom(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upFrom(above)];
}

/** Deno answers from the mode, without asking the kernel; so on Deno, no folder is read-only. */
function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === "EROFS";
  }
}
