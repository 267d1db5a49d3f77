/**
 * Looks at a synchronised folder on this machine, and changes it (O17).
 *
 * Commands of the agent may run in the folder meanwhile, and may replace a part of a path by a link. So
 * each path is walked without following one, as tools do (S6). A file that has changed since the look is
 * left as it is, for the next one.
 */

import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, lstat, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../lib/errors.ts";
import { openNew, openToRead, walkFolders } from "../workspace/root.ts";
import {
  type Files,
  type FileVersion,
  FOLDER_LIMITS,
  foldersAround,
  isUsablePath,
} from "./manifest.ts";

/** A file of the folder, as the look found it. */
export interface LocalFile extends FileVersion {
  /** Changes if the file does. */
  readonly stamp: string;
  /** Whether the stamp is old enough that a later change has another one. */
  readonly isSettled: boolean;
}

/** The result of a look. */
export interface FolderLook {
  readonly files: Files<LocalFile>;
  /** Paths that stay on this machine, with the reason; a few of them. */
  readonly left: readonly string[];
  /** Whether the look says nothing about a path, so that it counts as neither changed nor deleted. */
  readonly isHeld: (path: string) => boolean;
}

/** Files that a process died writing, and those that it writes. */
const TEMPORARY = /^\.[0-9a-f]{16}\.tmp$/;
/** The step of a file system's clock is smaller. */
const SETTLED_MS = 2_000;
/** Entries that a look reads at most: links and special files count, too. */
const MAX_ENTRIES = 40_000;
const MAX_LEFT = 5;

/**
 * Looks at all files.
 *
 * @param known The last look: a file with the same stamp is not read again.
 */
export async function lookAt(
  root: string,
  known: ReadonlyMap<string, Pick<LocalFile, "hash" | "stamp">>,
  now: () => number,
): Promise<FolderLook> {
  const files = new Map<string, LocalFile>();
  const left: string[] = [];
  let bytes = 0;
  const held = new Set<string>();
  let entries = 0;
  let isCut = false;
  const leave = (path: string, why: string) => {
    held.add(path);
    if (left.length < MAX_LEFT) left.push(`${path} ${why}`);
  };

  async function addFile(
    path: string,
    name: string,
    folders: readonly string[],
    about: Stats | undefined,
  ): Promise<void> {
    if (!about?.isFile()) return;
    if (about.nlink > 1) return void leave(path, "(a hard link)");
    if (about.size > FOLDER_LIMITS.fileBytes) return void leave(path, "(too large)");
    const isFull = files.size >= FOLDER_LIMITS.files ||
      bytes + about.size > FOLDER_LIMITS.totalBytes;
    if (isFull) return void leave(path, "(the workspace has too many files)");
    const stamp = stampOf(about);
    const before = known.get(path);
    const hash = before?.stamp === stamp ? before.hash : await hashOf(root, folders, name);
    if (hash === undefined) return void held.add(path); // gone just now, or unreadable
    bytes += about.size;
    files.set(path, {
      hash,
      size: about.size,
      isProgram: (about.mode & 0o100) !== 0,
      changedAt: Math.max(0, Math.min(about.mtimeMs, now())),
      stamp,
      isSettled: now() - about.ctimeMs > SETTLED_MS,
    });
  }

  async function addFolder(folders: readonly string[]): Promise<void> {
    const inner = await readdir(join(root, ...folders), { withFileTypes: true })
      .catch(ignoreMissing) ?? [];
    // At once: one after the other would take five times as long.
    const abouts = new Map(
      await Promise.all(
        inner.filter((entry) => entry.isFile()).map(async ({ name }) =>
          [name, await lstat(join(root, ...folders, name)).catch(ignoreMissing)] as const
        ),
      ),
    );
    for (const entry of inner.toSorted((one, other) => one.name < other.name ? -1 : 1)) {
      entries += 1;
      if (entries > MAX_ENTRIES) {
        isCut = true;
        return;
      }
      if (TEMPORARY.test(entry.name)) continue;
      const parts = [...folders, entry.name];
      const path = parts.join("/");
      if (entry.isSymbolicLink()) leave(path, "(a link)");
      else if (!isUsablePath(path)) leave(path, "(a name that tools cannot use)");
      else if (entry.isDirectory()) await addFolder(parts);
      else if (entry.isFile()) {
        await addFile(path, entry.name, folders, abouts.get(entry.name));
      }
    }
  }

  await addFolder([]);
  return {
    files,
    left,
    isHeld: (path) =>
      (isCut && !files.has(path)) || [path, ...foldersAround(path)].some((one) => held.has(one)),
  };
}

/** Reads a file, whose content may have changed since the look. @returns `undefined` if it is gone. */
export async function readLocal(
  root: string,
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const opened = await open(root, path);
  if (!opened) return undefined;
  try {
    const { size } = await opened.stat();
    return size > FOLDER_LIMITS.fileBytes ? undefined : new Uint8Array(await opened.readFile());
  } finally {
    await opened.close();
  }
}

/**
 * Puts a file into the folder, whole or not at all.
 *
 * @param seen The file that the look found there; `undefined` if there was none.
 * @returns Whether it is there; else the path has changed since the look.
 */
export async function placeLocal(
  root: string,
  path: string,
  { bytes, isProgram }: {
    readonly bytes: Uint8Array;
    readonly isProgram: boolean;
  },
  seen: Pick<LocalFile, "stamp"> | undefined,
  temporary: string,
): Promise<boolean> {
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  const below = await walkFolders(root, parts.slice(0, -1), true);
  const file = await openNew(below, temporary);
  const [from, to] = [join(below.folder, temporary), join(below.folder, name)];
  try {
    await file.writeFile(bytes);
    await file.sync(); // a power cut would leave an empty file, which would count as a change
    await file.close();
    if (isProgram) await chmod(from, 0o700);
    if (!await isAsSeen(to, seen)) return false;
    await rename(from, to);
    return true;
  } finally {
    await file.close().catch(() => {}); // closed already, unless the write failed
    await rm(from, { force: true });
  }
}

/** Whether a file may come to a path: it is as the look found it. */
export async function isUnchanged(
  root: string,
  path: string,
  seen: Pick<LocalFile, "stamp"> | undefined,
): Promise<boolean> {
  return await isAsSeen(join(root, path), seen);
}

/** Deletes a file that is as the look found it, and folders that are empty then. */
export async function deleteLocal(
  root: string,
  path: string,
  seen: Pick<LocalFile, "stamp">,
): Promise<boolean> {
  const parts = path.split("/");
  const { folder } = await walkFolders(root, parts.slice(0, -1), false);
  const file = join(folder, parts.at(-1) ?? "");
  if (!await isAsSeen(file, seen)) return false;
  await rm(file);
  for (const around of foldersAround(path).toReversed()) {
    const isGone = await rmdir(join(root, around)).then(() => true, () => false); // others are in it
    if (!isGone) break;
  }
  return true;
}

/** Creates the folder. @returns Whether it was missing. */
export async function createFolder(root: string): Promise<boolean> {
  return await mkdir(root, { recursive: true, mode: 0o700 }) !== undefined;
}

async function isAsSeen(
  file: string,
  seen: Pick<LocalFile, "stamp"> | undefined,
): Promise<boolean> {
  const found = await lstat(file).catch(ignoreMissing);
  if (!found || !seen) return !found && !seen;
  return found.isFile() && stampOf(found) === seen.stamp;
}

function stampOf(
  { size, mtimeMs, ctimeMs, ino, mode }: {
    readonly size: number;
    readonly mtimeMs: number;
    readonly ctimeMs: number;
    readonly ino: number;
    readonly mode: number;
  },
): string {
  return [size, mtimeMs, ctimeMs, ino, mode].join(" ");
}

async function open(root: string, path: string) {
  const parts = path.split("/");
  try {
    return await openToRead(await walkFolders(root, parts.slice(0, -1), false), parts.at(-1) ?? "");
  } catch {
    return undefined; // it is gone, or no plain file any more: the next look sees it
  }
}

async function hashOf(
  root: string,
  folders: readonly string[],
  name: string,
): Promise<string | undefined> {
  const opened = await open(root, [...folders, name].join("/"));
  if (!opened) return undefined;
  try {
    const sum = createHash("sha256");
    for await (const chunk of opened.createReadStream({ autoClose: false })) sum.update(chunk);
    return sum.digest("hex");
  } finally {
    await opened.close();
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
}
