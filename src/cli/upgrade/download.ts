/** Downloads the program of a release beside the old one, and tries it. Nothing else is changed. */

import { closeSync, openSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import {
  dropNext,
  identityOf,
  isOfDisk,
  type ProgramFiles,
  writeNext,
  type WrongBytes,
} from "../../host/files/program_file.ts";
import { loadFlock } from "../../host/locks/flock.ts";
import { codeOf } from "../../lib/errors.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import type { Release, ReleaseFile } from "./release_list.ts";
import type { ReleaseSource } from "./source.ts";
import { type ProgramFacts, tryProgram } from "./try_program.ts";

/**
 * Takes the lock of a program's file, against a second upgrade at the same time.
 *
 * @returns Releases it; `undefined` if another process has it. Without locks, as on Windows, it does
 * nothing.
 */
async function lockProgram({ program }: ProgramFiles): Promise<(() => void) | undefined> {
  // Windows locks a file by opening it to write, which it refuses for a running program.
  const flock = process.platform === "win32" ? undefined : await loadFlock().catch(() => undefined);
  if (!flock) return () => {};
  const file = { descriptor: openSync(program, "r"), path: program };
  if (!flock(file)) {
    closeSync(file.descriptor);
    return undefined;
  }
  return () => {
    flock(file, "free");
    closeSync(file.descriptor);
  };
}

/**
 * Takes the lock of the program's file.
 *
 * @param running The file when the command began: another upgrade may have come to its end since.
 * @throws {StartError} If another upgrade has the lock, or has exchanged the program.
 */
export async function lockOrRefuse(files: ProgramFiles, running: string): Promise<() => void> {
  const unlock = await lockProgram(files);
  if (unlock && identityOf(files) === running) return unlock;
  unlock?.();
  if (unlock) {
    throw new StartError(
      `another command has exchanged ${files.program} meanwhile; nothing was changed. Run this again`,
      EXIT.tryAgain,
    );
  }
  throw new StartError(
    `another \`barnacle upgrade\` of ${files.program} is running; wait for its end`,
    EXIT.tryAgain,
  );
}

/** Room that stays for the bot's own work. */
const RESERVE_BYTES = 64 * 1_024 * 1_024;

/**
 * Downloads a program.
 *
 * @throws {StartError} If the disk has no room, or the bytes are not those of the list.
 */
export async function download(
  { version }: Release,
  file: ReleaseFile,
  source: ReleaseSource,
  files: ProgramFiles,
  io: Pick<Io, "during">,
): Promise<void> {
  const folder = dirname(files.program);
  const about = await statfs(folder).catch(() => undefined); // a disk that does not tell
  const free = about ? about.bavail * about.bsize : Infinity;
  const needed = file.size + RESERVE_BYTES;
  if (free < needed) {
    throw new StartError(
      `too little room in ${folder}: ${sizeOf(needed)} are needed, and ${sizeOf(free)} are free; ` +
        "nothing was changed. Free some space, and try again",
      EXIT.io,
    );
  }
  const work = writeNext(files, source.open(file.path), file);
  const wrong = await io.during(`Downloading Barnacle ${version} (${sizeOf(file.size)})`, work)
    .catch((cause: unknown) => {
      if (cause instanceof StartError || !isOfDisk(cause)) throw cause;
      throw new StartError(
        `cannot write ${files.next} (${codeOf(cause)}); nothing was changed. ${
          diskAdvice(cause, files.next)
        }`,
        EXIT.io,
        cause,
      );
    });
  if (!wrong) return;
  throw new StartError(
    `the download of ${file.path} is not the program of the list: ${
      whyWrong(wrong, file)
    }; nothing was changed. Try ` +
      "again, or name another place with --from",
    EXIT.failed,
  );
}

/**
 * Says what to do after a file could not be written.
 *
 * @param path The name that a folder may have.
 */
export function diskAdvice(cause: unknown, path: string): string {
  switch (codeOf(cause)) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "Run the command as a user who may write there";
    case "EISDIR":
      return `Remove the folder ${path}, and try again`;
    default:
      return "Free some space, and try again";
  }
}

function whyWrong(wrong: WrongBytes, { size, sha256 }: ReleaseFile): string {
  switch (wrong.kind) {
    case "short":
      return `it ended after ${wrong.bytes} of ${size} bytes`;
    case "long":
      return `it has more than ${size} bytes`;
    case "other":
      return `its SHA-256 is ${wrong.sha256}, and the list says ${sha256}`;
  }
}

/**
 * Runs the downloaded program once.
 *
 * @throws {StartError} If it does not run here, or is another version; then it is removed.
 */
export async function tried(
  { version }: Release,
  files: ProgramFiles,
): Promise<ProgramFacts> {
  const facts = await tryProgram(files.next);
  if (typeof facts !== "string" && facts.version === version) return facts;
  dropNext(files);
  const why = typeof facts === "string"
    ? `it does not run here (${facts})`
    : `it is ${facts.version}`;
  throw new StartError(
    `Barnacle ${version} cannot replace ${files.program}: ${why}; nothing was changed`,
    EXIT.failed,
  );
}
