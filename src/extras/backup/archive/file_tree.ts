/**
 * Lists and reads the files of a folder, within bounds. Follows no link and opens no device, because
 * programs of the agent may have made them.
 */

import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../../lib/errors.ts";
import { isInside } from "./tar.ts";

export interface TreeFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  /** Absolute path. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Whether its owner may run it. */
  readonly isProgram: boolean;
}

/** More files than these are a mistake, such as a workspace in `/`. */
const MAX_FILES = 200_000;
const MAX_DEPTH = 64;

/**
 * Lists all regular files of a folder, by path.
 *
 * @throws {RangeError} If it has too many. Other errors are the system's; a missing folder is empty.
 */
export async function listTree(root: string): Promise<{
  readonly files: readonly TreeFile[];
  /** Paths of links, devices, and names that an archive cannot hold. */
  readonly left: readonly string[];
}> {
  const files: TreeFile[] = [];
  const left: string[] = [];

  async function visit(folder: string, depth: number): Promise<void> {
    const names = await readdir(join(root, folder)).catch((error: unknown) => {
      if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return [];
      throw error;
    });
    for (const name of names.toSorted()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const file = join(root, path);
      const about = await lstat(file).catch(() => undefined); // deleted since
      if (!about) continue;
      if (about.isDirectory() && depth < MAX_DEPTH && isInside(path)) await visit(path, depth + 1);
      else if (about.isFile() && isInside(path)) {
        if (files.length >= MAX_FILES) throw new RangeError(`${root} has too many files`);
        files.push({ path, file, size: about.size, isProgram: (about.mode & 0o100) !== 0 });
      } else left.push(path);
    }
  }

  if ((await lstat(root).catch(() => undefined))?.isDirectory()) await visit("", 0);
  return { files, left };
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Opens a file without following a link.
 *
 * @returns Its size now, and exactly as many bytes: a file that shrinks meanwhile is filled up with
 * zeros. `undefined` if it is no regular file any more.
 */
export async function openTreeFile(file: string): Promise<
  | { readonly size: number; readonly content: AsyncIterable<Uint8Array> }
  | undefined
> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(file, flags).catch((error: unknown) => {
    if (["ENOENT", "ELOOP", "ENXIO"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  });
  if (!handle) return undefined;
  const about = await handle.stat();
  if (!about.isFile()) {
    await handle.close();
    return undefined;
  }
  const { size } = about;
  async function* read(): AsyncGenerator<Uint8Array> {
    if (!handle) return;
    try {
      for (let at = 0; at < size;) {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - at));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
        const filled = bytesRead === 0 ? chunk : chunk.subarray(0, bytesRead);
        at += filled.length;
        yield filled;
      }
    } finally {
      await handle.close();
    }
  }
  return { size, content: read() };
}
