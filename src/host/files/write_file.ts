/**
 * Replaces a file so that no reader ever sees half of it (C10).
 *
 * The new text is complete and on the disk, under a temporary name, before it replaces the old one.
 * If the program dies or the disk is full, one of the two files is whole.
 *
 * Each process puts its number into the name of its unfinished files. So two processes at once need
 * no lock: neither writes or removes a file of the other.
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, PathError, wordsOfCode } from "../../lib/errors.ts";
import { decodeOwnText } from "../../lib/text/encoding.ts";
import { PROC } from "../process/boot.ts";

/**
 * Removes them from a folder.
 *
 * @param form Matches their names; its first group is the number of the process.
 */
export function removeDeadFiles(folder: string, form: RegExp): void {
  for (const name of readdirSync(folder)) {
    const pid = form.exec(name)?.[1];
    if (pid !== undefined && !isOther(Number(pid))) {
      rmSync(join(folder, name), { force: true, recursive: true });
    }
  }
}

/** Whether another process has this number; an earlier one had the number of this process. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * Tells why a file could not be created or replaced.
 *
 * @param path Absolute; the file and folders above it need not exist.
 * @returns `"a part of its path is no folder"`; `undefined` if it probably could.
 */
export function faultOfFile(path: string): string | undefined {
  return faultOf(path, (found) => {
    if (found.isDirectory()) return "it is a folder";
    return found.isFile() ? faultOfFolder(dirname(path)) : "it is no regular file";
  });
}

/** The same for a folder in which files are to be created. */
export function faultOfFolder(path: string): string | undefined {
  return faultOf(path, (found) => {
    if (!found.isDirectory()) return "a part of its path is no folder";
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  });
}

function faultOf(path: string, judge: (found: Stats) => string | undefined): string | undefined {
  try {
    return judge(statSync(path));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") return wordsOfCode(error) ?? codeOf(error) ?? "unknown reason";
  }
  if (lstatSync(path, { throwIfNoEntry: false })) return "its link leads to nothing";
  const folder = dirname(path);
  return folder === path ? "there is no such file" : faultOfFolder(folder);
}

/**
 * The file is unchanged; the message says what to do.
 *
 * - `changed`: another program has written the file since it was read, or is writing it; read it
 *   again.
 * - `unwritable`: the system refuses; the cause has its code, such as `ENOSPC`.
 */
export class WriteError extends PathError<"changed" | "unwritable"> {
  override readonly name = "WriteError";
}

/** Mode of a new file: only the owner reads it, because it may come to contain a secret. */
const NEW_MODE = 0o600;
const NEW_FOLDER_MODE = 0o700;

/** Milliseconds after which a writer counts as dead. */
const ABANDONED_MS = 60_000;

/**
 * Replaces a file or creates it, with any missing folders.
 *
 * Mode and owner stay, the owner as far as this user may set it. The old text stays beside it as
 * `<name>.bak`. If several programs do this at once, all but one are refused: a change made between
 * reading and replacing would be lost.
 *
 * @returns The path of the file itself, with links resolved, and of a copy of the old file with the
 * same mode; the copy is absent if there was no file.
 * @throws {WriteError} The file is unchanged.
 */
export function replaceFile({ path, text, expected }: {
  /** The file; if it is a link, the link stays and its target is replaced. */
  readonly path: string;
  readonly text: string;
  /** The text that the change was made from; `undefined` if there was no file. */
  readonly expected: string | undefined;
}): { readonly path: string; readonly backup?: string } {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: NEW_FOLDER_MODE });
    const target = behindLinks(path);
    const part = claimPart(target, path);
    const backup = renaming(part, () => {
      const old = bytesOf(target);
      assertSame(old, expected, path);
      const facts = old === undefined ? undefined : statSync(target);
      const backup = old === undefined ? undefined : `${target}.bak`;
      const mounted = isMounted(target) ? openSync(target, "r+") : undefined;
      try {
        if (old !== undefined && backup !== undefined) {
          const copy = claimPart(backup, path);
          renaming(copy, () => put(copy, backup, old, facts));
        }
        if (mounted === undefined) put(part, target, text, facts);
        else overwrite(mounted, text, part.path);
      } finally {
        if (mounted !== undefined) closeSync(mounted);
      }
      return backup;
    });
    syncFolder(dirname(target));
    return { path: target, backup };
  } catch (cause) {
    if (cause instanceof WriteError) throw cause;
    const why = wordsOfCode(cause) ?? codeOf(cause) ?? "unknown reason";
    throw new WriteError(`${path} cannot be written (${why})`, { kind: "unwritable", path, cause });
  }
}

function assertSame(old: Buffer | undefined, expected: string | undefined, path: string): void {
  const isSame = old === undefined
    ? expected === undefined
    : expected !== undefined && (old.equals(Buffer.from(expected)) ||
      old.includes(0) && decodeOwnText(old) === expected); // UTF-16, of which UTF-8 is made
  if (isSame) return;
  if (old && decodeOwnText(old) === expected) {
    const message = `${path} contains bytes that are not text; save it as UTF-8`;
    throw new WriteError(message, { kind: "unwritable", path });
  }
  const message = `${path} has changed since it was read; nothing was written`;
  throw new WriteError(message, { kind: "changed", path });
}

/** A file being written, under a name that only its writer uses. */
interface TemporaryFile {
  readonly path: string;
  readonly descriptor: number;
}

/**
 * Creates the temporary file that will replace another. While it exists, it shows that a program is
 * writing. That takes milliseconds, so an old one belongs to a process that died.
 */
function claimPart(target: string, path: string): TemporaryFile {
  const part = join(dirname(target), `.${basename(target)}.part`);
  const writtenAt = statSync(part, { throwIfNoEntry: false })?.mtimeMs;
  if (writtenAt !== undefined && Date.now() - writtenAt > ABANDONED_MS) {
    rmSync(part, { force: true });
  }
  try {
    return { path: part, descriptor: openSync(part, "wx", NEW_MODE) };
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    const message = `Another program is writing ${path}; nothing was written`;
    throw new WriteError(message, { kind: "changed", path, cause });
  }
}

/** Runs a task that renames the temporary file, or removes that file. */
function renaming<Done>({ path, descriptor }: TemporaryFile, work: () => Done): Done {
  try {
    return work();
  } catch (cause) {
    rmSync(path, { force: true });
    throw cause;
  } finally {
    closeSync(descriptor);
  }
}

/** Writes the whole text and renames the file. From then on another writer may create its own. */
function put(
  { path, descriptor }: TemporaryFile,
  target: string,
  text: string | Buffer,
  facts: Stats | undefined,
): void {
  writeFileSync(descriptor, text);
  if (facts) keepOwner(path, facts);
  fchmodSync(descriptor, facts ? facts.mode & 0o7777 : NEW_MODE);
  fsyncSync(descriptor);
  renameOver(path, target);
}

/** Whether a file is mounted by itself, as containers do it. No rename can replace it then. */
function isMounted(path: string): boolean {
  const real = join(realpathSync(dirname(path)), basename(path));
  const escaped = real.replace(
    /[\s\\]/g,
    (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  try {
    return readFileSync(`${PROC}/self/mountinfo`, "utf8").includes(` ${escaped} `);
  } catch {
    return false; // no Linux
  }
}

/** Writes into the file itself. If the program dies meanwhile, the backup is whole. */
function overwrite(descriptor: number, text: string, part: string): void {
  writeFileSync(descriptor, text);
  ftruncateSync(descriptor, Buffer.byteLength(text));
  fsyncSync(descriptor);
  rmSync(part, { force: true });
}

/** Milliseconds for which another program may keep a file open on Windows. */
const BUSY_MS = 2_000;
const AGAIN_MS = 25;
/** What Windows says while another program, such as a virus scanner, has the target open. */
const BUSY: readonly (string | undefined)[] = ["EPERM", "EACCES", "EBUSY"];

/** Renames a file, also if another program reads its target at that moment. */
export function renameOver(
  from: string,
  to: string,
  { platform, rename }: {
    readonly platform: string;
    readonly rename: (from: string, to: string) => void;
  } = { platform: process.platform, rename: renameSync },
): void {
  for (const until = performance.now() + BUSY_MS;;) {
    try {
      return rename(from, to);
    } catch (error) {
      const mayPass = platform === "win32" && BUSY.includes(codeOf(error));
      if (!mayPass || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    }
  }
}

/** Only root may change a file's owner; for others the file becomes theirs, as after an editor. */
function keepOwner(path: string, { uid, gid }: Stats): void {
  const now = statSync(path);
  if (now.uid === uid && now.gid === gid) return;
  try {
    chownSync(path, uid, gid);
  } catch (cause) {
    if (codeOf(cause) !== "EPERM") throw cause;
  }
}

/** Syncs the folder; without it, a power cut may undo the rename. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return; // Windows cannot open a folder
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Maximum number of links followed; a longer chain is a circle. */
const MAX_LINKS = 40;

/**
 * Resolves links. A dangling link is an error: writing there would create a file that no one looks
 * for.
 *
 * It resolves link by link, not by `realpath`: Bun opens the file for that, and does not find it if
 * another process replaces it at that moment.
 */
function behindLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const about = lstatSync(at, { throwIfNoEntry: links > 0 });
    if (!about?.isSymbolicLink()) return at;
    at = resolve(realpathSync(dirname(at)), readlinkSync(at));
  }
  throw Object.assign(new Error(`${path} leads in a circle`), { code: "ELOOP" });
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
