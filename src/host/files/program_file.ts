/**
 * Exchanges the file of a program by a newer one, and back.
 *
 * At each moment, the program's name leads to a whole program: a process that dies, or a power cut,
 * leaves the old one or the new one. The old program stays beside it.
 */

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { codeOf } from "../../lib/errors.ts";
import { removeDeadFiles } from "./dead_files.ts";
import { syncFolder } from "./write_file.ts";

export interface ProgramPaths {
  /** The program itself, with links resolved. */
  readonly program: string;
  /** The program before it. */
  readonly previous: string;
  readonly next: string;
  /** Holds the date of the newest list of releases that this machine has read. */
  readonly seen: string;
}

/** Names the paths; on Windows, a program keeps its ending. */
export function programPaths(program: string): ProgramPaths {
  const folder = dirname(program);
  const [, name = "", end = ""] = /^(.*?)(\.exe)?$/i.exec(basename(program)) ?? [];
  return {
    program,
    previous: join(folder, `${name}.previous${end}`),
    next: join(folder, `.${name}.next-${process.pid}${end}`),
    seen: join(folder, `.${name}.releases`),
  };
}

/** Names of {@link ProgramPaths.next}, with the number of the process. */
const NEXT = /^\..+\.next-(\d+)(?:\.exe)?$/i;

/** Why bytes are not the wanted program. */
export type WrongBytes =
  | { readonly kind: "short"; readonly bytes: number }
  | { readonly kind: "long" }
  | { readonly kind: "other"; readonly sha256: string };

/**
 * Writes a program to {@link ProgramPaths.next}, and waits until the disk has it.
 *
 * @returns Why it is not the wanted one; then nothing stays of it.
 * @throws {Error} If the disk refuses, or the bytes cannot be read; then nothing stays, either.
 */
export async function writeNext(
  { program, next }: ProgramPaths,
  bytes: AsyncIterable<Uint8Array>,
  wanted: { readonly size: number; readonly sha256: string },
): Promise<WrongBytes | undefined> {
  removeDeadFiles(dirname(program), NEXT);
  let isWhole = false;
  const file = await open(next, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > wanted.size) return { kind: "long" };
      hash.update(chunk);
      await file.writeFile(chunk); // goes on where the last one ended
    }
    if (size < wanted.size) return { kind: "short", bytes: size };
    const sha256 = hash.digest("hex");
    if (sha256 !== wanted.sha256) return { kind: "other", sha256 };
    await file.sync();
    isWhole = true;
  } finally {
    await file.close().finally(() => {
      if (!isWhole) rmSync(next, { force: true });
    });
  }
  const { mode, uid, gid } = statSync(program);
  if (process.geteuid?.() === 0) chownSync(next, uid, gid);
  chmodSync(next, mode & 0o777);
  return undefined;
}

/** Keeps the program under its second name; both are the same file, as far as the disk can do so. */
export function keepPrevious({ program, previous }: ProgramPaths): void {
  const part = `${previous}.part`;
  rmSync(part, { force: true, recursive: true });
  try {
    try {
      linkSync(program, part);
    } catch {
      copyFileSync(program, part, constants.COPYFILE_EXCL); // a file system without second names
      sync(part);
    }
    renameSync(part, previous);
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
  // A rename to another name of the same file does nothing.
  rmSync(part, { force: true });
  syncFolder(dirname(program));
}

/** Names the file that a program's path leads to now: another text if it was exchanged. */
export function identityOf({ program }: Pick<ProgramPaths, "program">): string {
  const { dev, ino } = statSync(program);
  return `${dev}:${ino}`;
}

/** Puts the downloaded program in the place of the old one, in one step. */
export function installNext({ program, next, previous }: ProgramPaths): void {
  putInPlace(next, program, previous);
}

/** Puts the previous program back in its place, in one step. */
export function installPrevious({ program, previous, next }: ProgramPaths): void {
  putInPlace(previous, program, next);
}

/** @param aside Where Windows moves a running program, whose name cannot be given to another one. */
function putInPlace(from: string, program: string, aside: string): void {
  if (process.platform === "win32") {
    renameSync(program, aside);
    try {
      renameSync(from, program);
    } catch (cause) {
      renameSync(aside, program);
      throw cause;
    }
    return;
  }
  renameSync(from, program);
  syncFolder(dirname(program));
}

/** Removes a program that is not installed after all. */
export function dropNext({ next }: ProgramPaths): void {
  rmSync(next, { force: true });
}

/** The date of the newest list that this machine has read; `undefined` if none, or if unreadable. */
export function readSeen({ seen }: ProgramPaths): string | undefined {
  try {
    const text = readFileSync(seen, "utf8").trim();
    return Number.isNaN(Date.parse(text)) ? undefined : text;
  } catch {
    return undefined; // none yet
  }
}

/** Notes the date of a list. A user who may not write there has nothing to protect. */
export function writeSeen({ seen }: ProgramPaths, issued: string): void {
  const part = `${seen}.part`;
  try {
    rmSync(part, { force: true, recursive: true });
    writeFileSync(part, `${issued}\n`, { mode: 0o644, flag: "wx" }); // follows no link
    renameSync(part, seen);
  } catch {
    // The next command removes the rest of it.
  }
}

/** Whether there is a previous program. A process that died may have left a second name of this one. */
export function hasPrevious({ program, previous }: ProgramPaths): boolean {
  const [one, other] = [program, previous].map((path) => statSync(path, { throwIfNoEntry: false }));
  return other !== undefined && (one?.ino !== other.ino || one.dev !== other.dev);
}

/** Whether the disk, and not the network, is the reason of a failed write. */
export function isOfDisk(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EACCES", "EPERM"]
    .includes(codeOf(error) ?? "");
}

function sync(path: string): void {
  const descriptor = openSync(path, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
