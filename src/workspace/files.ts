/** Reads, writes and lists the files of a workspace, within bounds (S6). */

import { lstat, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FileEntry, WorkspacePort } from "../core/turn/ports/host.ts";
import { codeOf } from "../lib/errors.ts";
import { decodeText } from "../lib/text/encoding.ts";
import { badArguments, RefusedCall } from "../core/refused_call.ts";
import { openNew, openToRead, walkFolders } from "./root.ts";

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
 * Creates the port.
 *
 * @param root Path of the workspace, asked for at each call.
 * @param temporaryName A new name that no file has.
 */
export function createWorkspace(
  root: () => string,
  temporaryName: () => string,
  limits: WorkspaceLimits = LIMITS,
): WorkspacePort {
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

  async function read(path: string): Promise<string> {
    const text = decodeText(await readBytes(path, limits.fileBytes));
    if (text === undefined) throw new Error(`"${fileIn(path).name}" is no text`);
    return text;
  }

  async function write(path: string, text: string): Promise<undefined> {
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
    async list(path, isRecursive) {
      const parts = pathParts(path);
      const { folder } = await walkFolders(root(), parts, parts.length === 0);
      const entries: FileEntry[] = [];
      const isCut = !await listInto(entries, folder, parts.join("/"), isRecursive, limits.listed);
      return { entries, isCut };
    },
  };
}

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
