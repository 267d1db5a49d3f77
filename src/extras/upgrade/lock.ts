/** Excludes a second command that would exchange the same program at the same time. */

import { closeSync, constants, openSync } from "node:fs";
import { identityOf, type ProgramFiles } from "../../host/files/program_file.ts";
import { FlockUnavailableError, loadFlock } from "../../host/locks/flock.ts";
import { codeOf } from "../../lib/errors.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { diskAdvice } from "./download.ts";

/**
 * Takes the lock until the command has seen the outcome. The lock is on a file that nothing moves: with
 * the program itself, a second command would lock the new one.
 *
 * @param running The program when the command began: another upgrade may have come to its end since.
 * @returns Releases it. Without locks on this system, there is none.
 * @throws {StartError} If another command has the lock, or has exchanged the program.
 */
export async function lockOrRefuse(files: ProgramFiles, running: string): Promise<() => void> {
  const unlock = await lockBeside(files);
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

/** @returns `undefined` if another process has the lock. */
async function lockBeside({ lock: path }: ProgramFiles): Promise<(() => void) | undefined> {
  const flock = await loadFlock().catch((error: unknown) => {
    if (error instanceof FlockUnavailableError) return undefined;
    throw error;
  });
  if (!flock) return () => {};
  const file = { descriptor: openLock(path), path };
  const close = () => closeSync(file.descriptor);
  if (!flock(file)) {
    close();
    return undefined;
  }
  return () => {
    flock(file, "free");
    close();
  };
}

/** Follows no link; others cannot open the file, and so cannot hold its lock. */
function openLock(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants; // Windows lacks the last two
  try {
    return openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (cause) {
    throw new StartError(
      `cannot lock ${path} (${codeOf(cause) ?? "unknown reason"}); nothing was changed. ${
        diskAdvice(cause, path)
      }`,
      EXIT.io,
      cause,
    );
  }
}
