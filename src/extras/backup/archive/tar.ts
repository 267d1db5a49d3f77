/**
 * Writes and reads tar archives as streams, so that no file is ever whole in memory.
 *
 * An archive has regular files only, named by relative paths. The reader refuses everything else,
 * because an archive may come from another person: a link or a path with `..` would lead out of the
 * folder that it is read into.
 */

import { Buffer } from "node:buffer";
import { createTarDecoder, createTarPacker } from "modern-tar";
import { ArchiveError } from "./source.ts";
import { toWebStream, valuesOf } from "./streams.ts";

export interface FileToArchive {
  /** Relative, with slashes. */
  readonly path: string;
  /** Exact number of bytes in `content`. */
  readonly size: number;
  /** Whether the owner may run it. */
  readonly isProgram?: boolean;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A file that is read. Its content must be used before the next file. */
export interface ArchivedFile extends Omit<FileToArchive, "content"> {
  readonly isProgram: boolean;
  readonly content: AsyncIterable<Uint8Array>;
}

const MAX_PATH_BYTES = 4_096;
/** Most files of an archive: a small one of a stranger can list any number of empty files. */
const MAX_FILES = 1_000_000;

/**
 * Writes files.
 *
 * @throws {RangeError} If a file has more or fewer bytes than its size.
 * @throws {ArchiveError} If there are too many: no one could read the archive.
 */
export async function* writeTar(
  files: AsyncIterable<FileToArchive>,
  now: number,
  maxFiles = MAX_FILES,
): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker();
  async function pack(): Promise<void> {
    let count = 0;
    for await (const { path, size, isProgram = false, content } of files) {
      if (++count > maxFiles) throw tooMany(maxFiles);
      const mode = isProgram ? 0o700 : 0o600;
      const entry = controller.add({ name: path, size, mode, mtime: new Date(now) }).getWriter();
      let left = size;
      for await (const chunk of content) {
        left -= chunk.length;
        if (left < 0) break;
        await entry.write(chunk);
      }
      if (left !== 0) throw new RangeError(`${path} has another size than ${size} bytes`);
      await entry.close();
    }
    controller.finalize();
  }
  pack().catch((error: unknown) => controller.error(error)); // the reader below throws it
  yield* valuesOf(readable);
}

/**
 * Reads files.
 *
 * @throws {ArchiveError} If the bytes end too early, or are no archive that {@link writeTar} writes.
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  maxFiles = MAX_FILES,
): AsyncGenerator<ArchivedFile> {
  let failed: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      failed = { error };
      throw error;
    }
  }
  const toError = (error: unknown) => {
    if (failed) return failed.error;
    const isCut = error instanceof Error && error.message === "Tar archive is truncated.";
    return isCut ? new ArchiveError("cut", "its end is missing") : foreign("a header is damaged");
  };
  const entries = toWebStream(watched()).pipeThrough(createTarDecoder({ strict: true }));
  let count = 0;
  for await (
    const { header: { name: path, size, mode = 0, type }, body } of valuesOf(entries, toError)
  ) {
    if (type !== "file") throw foreign("it has an entry that is no regular file");
    assertInside(path);
    if (++count > maxFiles) throw tooMany(maxFiles);
    yield { path, size, isProgram: (mode & 0o100) !== 0, content: valuesOf(body, toError) };
    if (!body.locked) await body.cancel();
  }
}

/** Whether a path leads to a file below the folder that it is read into. */
export function isInside(path: string): boolean {
  return path !== "" && Buffer.byteLength(path) <= MAX_PATH_BYTES &&
    // deno-lint-ignore no-control-regex -- a line end would forge a line of the list of checksums
    !/[\x00-\x1f\x7f\\]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function assertInside(path: string): void {
  if (!isInside(path)) throw foreign("it has a path that leads out of its folder");
}

function tooMany(maxFiles: number): ArchiveError {
  return foreign(`there are more than ${maxFiles.toLocaleString("en")} files`);
}

function foreign(message: string): ArchiveError {
  return new ArchiveError("foreign", message);
}
