/**
 * Exchanges the file of a program by a newer one.
 *
 * At each moment, the program's name leads to a whole program: a process that dies, or a power cut,
 * leaves the old one or the new one. The old program stays beside it.
 */

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { removeDeadFiles, syncFolder } from "./write_file.ts";

interface ProgramPaths {
  /** The program itself, with links resolved. */
  readonly program: string;
  /** The program before it. */
  readonly previous: string;
  readonly next: string;
}

/** Names the paths; on Windows, a program keeps its ending. */
export function programPaths(program: string): ProgramPaths {
  const folder = dirname(program);
  const [, name = "", end = ""] = /^(.*?)(\.exe)?$/i.exec(basename(program)) ?? [];
  return {
    program,
    previous: join(folder, `${name}.previous${end}`),
    next: join(folder, `.${name}.next-${process.pid}${end}`),
  };
}

/** Names of {@link ProgramPaths.next}, with the number of the process. */
const NEXT = /^\..+\.next-(\d+)(?:\.exe)?$/i;

/** The bytes are not those of the wanted program. */
export class WrongBytesError extends Error {
  override readonly name = "WrongBytesError";
}

/**
 * Writes a program to {@link ProgramPaths.next}, and waits until the disk has it. If this fails, nothing
 * stays of it.
 *
 * @throws {WrongBytesError} If the SHA-256 is another one.
 * @throws {Error} If the disk refuses, or the bytes cannot be read.
 */
export async function writeNext(
  { program, next }: ProgramPaths,
  bytes: AsyncIterable<Uint8Array>,
  wantedSum: string,
): Promise<void> {
  removeDeadFiles(dirname(program), NEXT);
  const file = await open(next, "wx", 0o600);
  try {
    try {
      const hash = createHash("sha256");
      for await (const chunk of bytes) {
        hash.update(chunk);
        await file.writeFile(chunk); // goes on where the last one ended
      }
      const sum = hash.digest("hex");
      if (sum !== wantedSum) {
        throw new WrongBytesError(`its SHA-256 is ${sum}, and the list says ${wantedSum}`);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const { mode, uid, gid } = statSync(program);
    if (process.geteuid?.() === 0) chownSync(next, uid, gid);
    chmodSync(next, mode & 0o777);
  } catch (cause) {
    rmSync(next, { force: true });
    throw cause;
  }
}

/**
 * Puts the new program in the place of the old one, in one step, and keeps the old one.
 *
 * @throws {Error} If the disk refuses; then the old program is still in its place.
 */
export function swapProgram({ program, next, previous }: ProgramPaths): void {
  try {
    rmSync(previous, { force: true });
    if (process.platform === "win32") {
      renameSync(program, previous); // a running program keeps its file
      try {
        renameSync(next, program);
      } catch (cause) {
        renameSync(previous, program);
        throw cause;
      }
      return;
    }
    try {
      linkSync(program, previous);
    } catch {
      copyFileSync(program, previous); // a file system without second names
    }
    renameSync(next, program);
    syncFolder(dirname(program));
  } catch (cause) {
    rmSync(next, { force: true });
    throw cause;
  }
}
