/**
 * Reads, writes and lists the files of a workspace, within bounds (S6).
 *
 * No part of a path may be a link, and neither may the file. A link that replaces a folder between
 * the check and the opening is found afterwards: the opened file must be the one that the real path
 * below the root names. If a config puts the workspace around Barnacle's own files, no tool gets
 * any file: an injected call could change the config or write a skill.
 */

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { badArguments, RefusedCall } from "../core/turn/tool.ts";
import type { FileEntry } from "../core/turn/host.ts";
import { codeOf } from "../lib/errors.ts";
import { decodeForeignText } from "../lib/text/encoding.ts";

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
async function walkFolders(
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
async function openToRead({ root, folder }: Below, name: string): Promise<FileHandle> {
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
async function openNew({ root, folder }: Below, name: string): Promise<FileHandle> {
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

export interface WorkspaceLimits {
  /** Maximum bytes of a file that is read or written. */
  readonly fileBytes: number;
  /** Maximum bytes of all files together, after a write. */
  readonly totalBytes: number;
  /** Maximum number of files and folders, after a write. */
  readonly entries: number;
  /** Maximum number of entries in a list. */
  readonly listed: number;
}

export const LIMITS: WorkspaceLimits = {
  fileBytes: 256 * 1024,
  totalBytes: 64 * 1024 * 1024,
  entries: 2_000,
  listed: 500,
};

/**
 * Files of the workspace, for tools. Paths are relative to its root.
 *
 * @param root Path of the workspace, asked for at each call.
 * @param temporaryName A new name that no file has.
 */
export function createWorkspace(
  root: () => string,
  temporaryName: () => string,
  limits: WorkspaceLimits = LIMITS,
) {
  /** Reads a file of any kind; otherwise as `read`. */
  async function readBytes(path: string, maxBytes: number) {
    const { folders, name } = fileIn(path);
    const file = await openToRead(await walkFolders(root(), folders, false), name);
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw new Error(tooLarge(name, maxBytes));
      const bytes = new Uint8Array(size + 1);
      let length = 0;
      for (;;) { // it may grow meanwhile
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === bytes.length) break;
      }
      if (length > size) throw new Error(`"${name}" is being written; try again`);
      return bytes.subarray(0, length);
    } finally {
      await file.close();
    }
  }

  /**
   * Reads a text file.
   *
   * @throws {Error} If the path leaves the workspace, or is no readable text file.
   */
  async function read(path: string): Promise<string> {
    const text = decodeForeignText(await readBytes(path, limits.fileBytes));
    if (text === undefined) throw new Error(`"${fileIn(path).name}" is no text`);
    return text;
  }

  /**
   * Creates or replaces a text file, at once or not at all. Missing folders are created.
   *
   * @throws {Error} If the path leaves the workspace, or the workspace has no room.
   */
  async function write(path: string, text: string): Promise<void> {
    const { folders, name, parts } = fileIn(path);
    assertChangeable(parts);
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > limits.fileBytes) throw new Error(tooLarge(name, limits.fileBytes));
    const below = await walkFolders(root(), folders, true);
    const target = join(below.folder, name);
    const old = await lstat(target).catch(ignoreMissing);
    if (old && !old.isFile()) throw new Error(`"${name}" is no file that can be replaced`);
    const used = await usageOf(below.root, limits.entries);
    if (used.bytes - (old?.size ?? 0) + bytes.length > limits.totalBytes) {
      throw new Error(`the workspace is full: it may have ${limits.totalBytes} bytes`);
    }
    if (used.entries >= limits.entries && !old) {
      throw new Error(`the workspace is full: it may have ${limits.entries} files and folders`);
    }
    const temporary = `.${temporaryName()}.tmp`;
    const file = await openNew(below, temporary);
    try {
      await file.writeFile(bytes);
      await file.sync();
      await file.close();
      await rename(join(below.folder, temporary), target);
    } catch (error) {
      await file.close().catch(() => {}); // closed already, unless the write failed
      await rm(join(below.folder, temporary), { force: true });
      throw error;
    }
  }

  return {
    read,
    readBytes,
    write,
    /**
     * Lists a folder; `""` is the root.
     *
     * @returns The entries in the order of their paths, and whether there are more.
     * @throws {Error} If the path leaves the workspace, or is no folder.
     */
    async list(path: string, isRecursive: boolean): Promise<FileList> {
      const parts = pathParts(path);
      const { folder } = await walkFolders(root(), parts, parts.length === 0);
      const entries: FileEntry[] = [];
      const isCut = !await listInto(entries, folder, parts.join("/"), isRecursive, limits.listed);
      return { entries, isCut };
    },
  };
}

interface FileList {
  readonly entries: readonly FileEntry[];
  readonly isCut: boolean;
}

export type WorkspaceFiles = ReturnType<typeof createWorkspace>;

function fileIn(path: string) {
  const parts = pathParts(path);
  const name = parts.at(-1);
  if (name === undefined) throw new Error("name a file: the path is empty");
  return { parts, name, folders: parts.slice(0, -1) };
}

/** @returns Whether there was room for all. */
async function listInto(
  entries: FileEntry[],
  folder: string,
  path: string,
  isRecursive: boolean,
  limit: number,
): Promise<boolean> {
  const found = await readdir(folder, { withFileTypes: true });
  for (const entry of found.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    if (entries.length >= limit) return false;
    const inner = path === "" ? entry.name : `${path}/${entry.name}`;
    const kind = entry.isSymbolicLink()
      ? "link"
      : entry.isDirectory()
      ? "folder"
      : entry.isFile()
      ? "file"
      : "other";
    const bytes = kind === "file"
      ? (await lstat(join(folder, entry.name)).catch(ignoreMissing))?.size
      : undefined;
    entries.push({ path: inner, kind, bytes });
    if (kind !== "folder" || !isRecursive) continue;
    if (!await listInto(entries, join(folder, entry.name), inner, true, limit)) return false;
  }
  return true;
}

/** Bytes and number of all entries, as far as the limit. */
async function usageOf(
  root: string,
  limit: number,
): Promise<{ readonly bytes: number; readonly entries: number }> {
  const entries: FileEntry[] = [];
  await listInto(entries, root, "", true, limit);
  return {
    bytes: entries.reduce((sum, entry) => sum + (entry.bytes ?? 0), 0),
    entries: entries.length,
  };
}

function tooLarge(name: string, limit: number): string {
  return `"${name}" is too large: a file may have ${limit} bytes`;
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

const MAX_PARTS = 16;
const MAX_PART_BYTES = 255;
const MAX_CHARS = 1_000;

/** Files with instructions: only people change these (H4). Compared without case. */
const INSTRUCTIONS: ReadonlySet<string> = new Set(["agents.md", "soul.md", "skills"]);

/** Names of devices on Windows, whatever their ending. A workspace may move to another system. */
const DEVICE =
  /^(?:con|conin\$|conout\$|prn|aux|nul|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/i;

/**
 * The parts of a path within the workspace.
 *
 * @returns No part for the root.
 * @throws {Error} If the path is absolute, or could leave the root.
 */
function pathParts(path: string): readonly string[] {
  const refuse = (why: string): never => {
    throw badArguments(`the path ${JSON.stringify(path.slice(0, 100))} cannot be used: ${why}`);
  };
  if (path.length > MAX_CHARS) refuse("it is too long");
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(path)) {
    refuse("it has control characters or invisible ones");
  }
  if (/^[/\\~]/.test(path) || /^[A-Za-z]:/.test(path)) refuse("write it relative to the workspace");
  if (path.includes("\\")) refuse('write "/" between its parts');
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length > MAX_PARTS) refuse("it has too many parts");
  for (const part of parts) {
    if (part === "..") refuse('".." leaves the folder');
    const plain = part.normalize("NFKC");
    if (/[/\\]/.test(plain) || /^\.+$/.test(plain) || plain.includes("..")) {
      refuse("it has characters that look like slashes or dots");
    }
    if (part !== part.normalize("NFC")) refuse("its accents are written in two characters");
    if (new TextEncoder().encode(part).length > MAX_PART_BYTES) refuse("a part is too long");
    if (/[. ]$/.test(part) || /[<>:"|?*]/.test(part)) {
      refuse('its parts may not end with "." or " ", nor have any of <>:"|?*');
    }
    if (DEVICE.test(part)) refuse(`Windows has a device of the name ${JSON.stringify(part)}`);
  }
  return parts;
}

/**
 * Checks that tools may change a path.
 *
 * @throws {Error} If it names the agent's instructions or its skills.
 */
function assertChangeable([first = ""]: readonly string[]): void {
  if (!INSTRUCTIONS.has(first.normalize("NFKC").toLowerCase())) return;
  throw new RefusedCall(
    "policy",
    `"${first}" has instructions for you: only your operator changes it`,
  );
}

export interface OwnPaths {
  readonly dataDir: string;
  /** The config file; absent if there is none. */
  readonly configFile?: string;
  /** Folders of the config with skills. A workspace may not be in one of them either. */
  readonly skillFolders: readonly string[];
  /** Workspaces of all agents. Agents may share one, but none may be within another. */
  readonly workspaces: readonly string[];
}

/** Files of a workspace with nothing of Barnacle in it. Both functions are called for each call of a tool. */
export function createWorkspaceFiles(root: () => string, own: () => OwnPaths): WorkspaceFiles {
  const files = createWorkspace(root, () => randomBytes(8).toString("hex"));
  const check = (): Promise<void> => assertApart(root(), own());
  return {
    async read(path) {
      await check();
      return await files.read(path);
    },
    async readBytes(path, maxBytes) {
      await check();
      return await files.readBytes(path, maxBytes);
    },
    async write(path, text) {
      await check();
      await files.write(path, text);
    },
    async list(path, isRecursive) {
      await check();
      return await files.list(path, isRecursive);
    },
  };
}

/**
 * Checks that a workspace has nothing of Barnacle in it: neither its data, nor its config or skills,
 * nor the workspace of another agent, whose instructions it could change.
 *
 * @throws {Error} If it has, with the reason in words.
 */
export async function assertApart(
  root: string,
  { dataDir, configFile, skillFolders, workspaces }: OwnPaths,
): Promise<void> {
  const workspace = await realPathOf(root);
  const refuse = (what: string) => {
    throw new Error(
      `the workspace cannot be used, because ${what}: ask your operator for another folder ` +
        "(agents.defaults.workspace)",
    );
  };
  const isWithin = async (path: string) => isBelow(await realPathOf(path), workspace);
  if (await isWithin(dataDir)) refuse("it contains the data directory");
  if (configFile !== undefined && await isWithin(configFile)) refuse("it contains the config");
  for (const folder of skillFolders) {
    const skills = await realPathOf(folder);
    if (isBelow(skills, join(workspace, "skills"))) continue; // tools cannot change these
    if (isBelow(skills, workspace) || isBelow(workspace, skills)) refuse("it contains skills");
  }
  for (const folder of workspaces) {
    if (folder === root) continue;
    const other = await realPathOf(folder);
    if (other !== workspace && isBelow(other, workspace)) {
      refuse("it contains the workspace of another agent");
    }
  }
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The path without links. Its last parts may be missing. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    return join(await realPathOf(above), basename(path));
  }
}
