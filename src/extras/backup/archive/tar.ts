/**
 * Writes and reads tar archives as streams, so that no file is ever whole in memory.
 *
 * An archive has regular files only, named by relative paths. `tar` reads what this module writes.
 * The reader refuses everything else, because an archive may come from another person: a link or a
 * path with `..` would lead out of the folder that it is read into.
 */

import { Buffer } from "node:buffer";
import { ArchiveError, createSource } from "./source.ts";

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

const BLOCK = 512;
/** Longest path in the field of a header. */
const NAME_BYTES = 100;
/** Largest size in the field of a header. */
const MAX_OCTAL = 8 ** 11 - 1;
/** Longest path, and the bound of an extended header. */
const MAX_PATH_BYTES = 4_096;
const MAX_PAX_BYTES = 16_384;
const ZEROS = new Uint8Array(BLOCK);

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
  const seconds = Math.floor(now / 1_000);
  let count = 0;
  for await (const { path, size, isProgram = false, content } of files) {
    if (++count > maxFiles) throw tooMany(maxFiles);
    const records = paxRecords(path, size);
    if (records.length > 0) {
      yield header({ name: "pax", size: records.length, mode: 0o600, seconds, type: "x" });
      yield records;
      yield padding(records.length);
    }
    const name = Buffer.byteLength(path) > NAME_BYTES ? "long-path" : path;
    const mode = isProgram ? 0o700 : 0o600;
    yield header({ name, size: Math.min(size, MAX_OCTAL), mode, seconds, type: "0" });
    let written = 0;
    for await (const chunk of content) {
      written += chunk.length;
      if (written > size) break;
      yield chunk;
    }
    if (written !== size) throw new RangeError(`${path} has another size than ${size} bytes`);
    yield padding(size);
  }
  yield new Uint8Array(2 * BLOCK);
}

function padding(size: number): Uint8Array {
  return ZEROS.subarray(0, (BLOCK - size % BLOCK) % BLOCK);
}

/** The values that do not fit into a header, as `LENGTH key=value\n`. */
function paxRecords(path: string, size: number): Uint8Array {
  const records = [
    ...(Buffer.byteLength(path) > NAME_BYTES ? [`path=${path}`] : []),
    ...(size > MAX_OCTAL ? [`size=${size}`] : []),
  ];
  return Buffer.concat(records.map((record) => {
    const bytes = Buffer.byteLength(record) + 2; // the space and the line end
    let length = bytes + String(bytes).length;
    if (String(length).length > String(bytes).length) length = bytes + String(length).length;
    return Buffer.from(`${length} ${record}\n`);
  }));
}

function header({ name, size, mode, seconds, type }: {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly seconds: number;
  readonly type: "0" | "x";
}): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  block.write(name, 0, "utf8");
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  block.write(`        ${type}`, 148, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write(`${sumOf(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** The sum of a header's bytes, with blanks in the place of the sum. */
function sumOf(block: Uint8Array): number {
  return block.reduce(
    (sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte),
    0,
  );
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
  const source = createSource(chunks);
  let count = 0;
  try {
    let pax: PaxValues = {};
    for (;;) {
      const block = await source.take(BLOCK);
      if (block.every((byte) => byte === 0)) {
        await source.rest();
        return;
      }
      const entry = parseHeader(block);
      if (entry.type === "x") {
        if (entry.size > MAX_PAX_BYTES) throw foreign("an extended header is too long");
        pax = parsePax(await source.take(entry.size));
        await source.skip(padding(entry.size).length);
        continue;
      }
      const { path = entry.name, size = entry.size } = pax;
      pax = {};
      assertInside(path);
      if (++count > maxFiles) throw tooMany(maxFiles);
      let left = size;
      yield {
        path,
        size,
        isProgram: entry.isProgram,
        content: {
          async *[Symbol.asyncIterator]() {
            while (left > 0) {
              const chunk = await source.some(left);
              left -= chunk.length;
              yield chunk;
            }
          },
        },
      };
      await source.skip(left + padding(size).length);
    }
  } finally {
    await source.close();
  }
}

interface PaxValues {
  readonly path?: string;
  readonly size?: number;
}

function parseHeader(block: Uint8Array) {
  const bytes = Buffer.from(block);
  const text = (from: number, to: number) => bytes.toString("utf8", from, to).split("\0")[0] ?? "";
  const octal = (from: number, to: number) => {
    const digits = text(from, to).trim();
    if (!/^[0-7]+$/.test(digits)) throw foreign("a header has no number where it needs one");
    return parseInt(digits, 8);
  };
  if (bytes.toString("latin1", 257, 262) !== "ustar" || octal(148, 156) !== sumOf(block)) {
    throw foreign("a header is damaged");
  }
  const type = text(156, 157);
  if (type !== "0" && type !== "x") throw foreign("it has an entry that is no regular file");
  const prefix = text(345, 500);
  const name = text(0, NAME_BYTES);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size: octal(124, 136),
    isProgram: (octal(100, 108) & 0o100) !== 0,
    type,
  };
}

function parsePax(bytes: Uint8Array): PaxValues {
  const text = Buffer.from(bytes).toString("utf8");
  const path = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
  const size = /(?:^|\n)\d+ size=(\d{1,15})\n/.exec(text)?.[1];
  return { path, size: size === undefined ? undefined : Number(size) };
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
