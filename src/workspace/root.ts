/**
 * Opens files below a root folder, and nothing outside of it (S6).
 *
 * No part of a path may be a link, and neither may the file. A link that replaces a folder between
 * the check and the opening is found afterwards: the opened file must be the one that the real path
 * below the root names.
 */

import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { codeOf } from "../lib/errors.ts";
import { RefusedCall } from "../core/refused_call.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_EXCL } = constants;

export interface Below {
  readonly root: string;
  readonly folder: string;
}

/**
 * Walks from the root to a folder, without following a link.
 *
 * @param isMade Whether to create missing folders.
 * @throws {Error} If a part is missing, or is no folder.
 */
export async function walkFolders(
  rootPath: string,
  parts: readonly string[],
  isMade: boolean,
): Promise<Below> {
  if (isMade) await mkdir(rootPath, { recursive: true, mode: 0o700 });
  const root = await realpath(rootPath).catch((error: unknown) => {
    throw codeOf(error) === "ENOENT" ? new Error("the workspace is empty") : error;
  });
  let folder = root;
  for (const part of parts) {
    folder = join(folder, part);
    if (isMade) await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting);
    const found = await lstat(folder).catch((error: unknown) => {
      throw codeOf(error) === "ENOENT" ? new Error(`there is no folder "${part}"`) : error;
    });
    if (!found.isDirectory()) throw new Error(`"${part}" is ${kindOf(found)}, not a folder`);
  }
  return { root, folder };
}

/**
 * Opens a file for reading.
 *
 * @returns The open file; the caller closes it.
 * @throws {Error} If it is missing, a link, no regular file, or outside of the root.
 */
export async function openToRead({ root, folder }: Below, name: string): Promise<FileHandle> {
  const path = join(folder, name);
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === "ENOENT") throw new Error(`there is no file "${name}"`);
    if (code === "ELOOP" || code === "EMLINK") {
      throw new RefusedCall("policy", `"${name}" is a link`);
    }
    throw error;
  });
  return await checked(file, path, root, name);
}

/**
 * Creates a new file.
 *
 * @returns The open file; the caller closes it.
 * @throws {Error} If it exists, or would be outside of the root.
 */
export async function openNew({ root, folder }: Below, name: string): Promise<FileHandle> {
  const path = join(folder, name);
  return await checked(
    await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
    path,
    root,
    name,
  );
}

/** Compares the opened file with the one that the real path names. */
async function checked(
  file: FileHandle,
  path: string,
  root: string,
  name: string,
): Promise<FileHandle> {
  try {
    const [opened, real] = await Promise.all([file.stat(), realpath(path)]);
    const named = await stat(real);
    const isSame = named.ino === opened.ino && named.dev === opened.dev;
    if (!isSame || !real.startsWith(root + sep)) {
      throw new RefusedCall("policy", `"${name}" is outside`);
    }
    if (!opened.isFile()) throw new Error(`"${name}" is ${kindOf(opened)}, not a file`);
    if (opened.nlink > 1) throw new RefusedCall("policy", `"${name}" is a hard link`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function kindOf(
  found: { isDirectory(): boolean; isSymbolicLink(): boolean; isFile(): boolean },
): string {
  if (found.isSymbolicLink()) return "a link";
  if (found.isDirectory()) return "a folder";
  return found.isFile() ? "a file" : "a special file";
}

function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}
