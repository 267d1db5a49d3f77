/** Downloads the program of a release beside the old one, and tries it. Nothing else is changed. */

import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import {
  dropNext,
  isOfDisk,
  type ProgramPaths,
  writeNext,
  type WrongBytes,
} from "../../host/files/program_file.ts";
import type { Env } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { Release, ReleaseFile } from "./release_list.ts";
import type { ReleaseSource } from "./source.ts";
import { tryConfig, tryProgram } from "./try_program.ts";

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
  paths: ProgramPaths,
  io: Pick<Io, "during">,
): Promise<void> {
  const folder = dirname(paths.program);
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
  const work = writeNext(paths, source.open(file.path), file);
  const wrong = await io.during(`Downloading Barnacle ${version} (${sizeOf(file.size)})`, work)
    .catch((cause: unknown) => {
      if (cause instanceof StartError || !isOfDisk(cause)) throw cause;
      throw new StartError(
        `cannot write ${paths.next} (${codeOf(cause)}); nothing was changed. ${
          diskAdvice(cause, paths.next)
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
 * Runs the downloaded program: it must be the wanted version, and accept the config.
 *
 * @param config Absent: the program looks for the file as its start does.
 * @throws {StartError} If not; then it is removed.
 */
export async function assertWorks(
  { version }: Release,
  paths: ProgramPaths,
  config: string | undefined,
  env: Env,
): Promise<void> {
  const facts = await tryProgram(paths.next);
  const why = typeof facts === "string"
    ? `it does not run here (${facts})`
    : facts.version !== version
    ? `it is ${facts.version}`
    : await tryConfig(paths.next, config, env);
  if (why === undefined) return;
  dropNext(paths);
  throw new StartError(
    `Barnacle ${version} cannot replace ${paths.program}: ${why}; nothing was changed`,
    EXIT.failed,
  );
}
