/**
 * Reads the pages that each commit has changed, from SQLite's write-ahead log.
 *
 * The log is the one place that has all changes of all tables, in the order of their commits. So a
 * copy needs no second version of any statement. The reader runs right after each commit, in the
 * thread that commits: SQLite begins the log anew only within a later commit.
 *
 * @see {@link https://www.sqlite.org/fileformat2.html#the_write_ahead_log}
 */

import { Buffer } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { codeOf } from "../../lib/errors.ts";

export interface PageChange {
  /** The new content of each changed page, by its number from 1 on. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** Number of pages of the whole database afterwards; absent: as before. */
  readonly pageCount?: number;
}

/** Bytes of a page of the store: SQLite's default. */
export const PAGE_BYTES = 4_096;

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;

/** The last bit says that checksums read the log's words as big-endian numbers. */
const MAGIC = 0x377f0682;

/** Frames to read at once. */
const READ_FRAMES = 64;

/** The place behind the last commit that was read. */
interface Position {
  /** Both salts of the log, which change whenever SQLite begins it anew. */
  readonly salts: Buffer;
  readonly isBigEndian: boolean;
  /** Number of frames before this place. */
  readonly frames: number;
  /** Checksum of everything before this place. */
  readonly sum: Sum;
}

type Sum = readonly [number, number];

/**
 * Creates a reader that begins with the first frame of the log.
 *
 * @param path Path of the database file.
 */
export function createWalReader(path: string) {
  let descriptor: number | undefined;
  let position: Position | undefined;
  const scratch = Buffer.alloc(READ_FRAMES * FRAME_BYTES);

  function openLog(): number | undefined {
    try {
      return openSync(`${path}-wal`, "r");
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined; // nothing was ever written
      throw error;
    }
  }

  return {
    /**
     * Reads the commits since the last call.
     *
     * @returns `undefined` if there is none.
     * @throws {RangeError} If the log has another form than a store's.
     */
    read(): PageChange | undefined {
      descriptor ??= openLog();
      if (descriptor === undefined) return undefined;
      const header = readAt(descriptor, 0, Buffer.alloc(HEADER_BYTES));
      if (header.length < HEADER_BYTES) return undefined; // emptied, and not written since
      const salts = header.subarray(16, 24);
      if (!position?.salts.equals(salts)) position = startOf(header);
      const pages = new Map<number, Uint8Array>();
      let open: { readonly page: number; readonly bytes: Uint8Array }[] = [];
      let pageCount = 0;
      for (const frame of framesFrom(descriptor, scratch, position)) {
        open.push({ page: frame.page, bytes: new Uint8Array(frame.bytes) });
        if (frame.pageCount === 0) continue; // the commit has more frames
        for (const { page, bytes } of open) pages.set(page, bytes);
        open = [];
        ({ pageCount } = frame);
        position = { ...position, frames: frame.number, sum: frame.sum };
      }
      if (pageCount === 0) return undefined;
      for (const page of pages.keys()) if (page > pageCount) pages.delete(page); // a vacuum
      return { pages, pageCount };
    },
    close(): void {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function startOf(header: Buffer): Position {
  const magic = header.readUInt32BE(0);
  const pageBytes = header.readUInt32BE(8);
  if ((magic & ~1) !== MAGIC || pageBytes !== PAGE_BYTES) {
    throw new RangeError(`The database's log has another form: ${magic}, ${pageBytes} bytes`);
  }
  const isBigEndian = (magic & 1) === 1;
  const sum = checksum([0, 0], header.subarray(0, 24), isBigEndian);
  return { salts: Buffer.from(header.subarray(16, 24)), isBigEndian, frames: 0, sum };
}

/** The frames behind a position, up to the first one that is not part of this log. Each has its
 * page only until the next one. */
function* framesFrom(
  descriptor: number,
  scratch: Buffer,
  { salts, isBigEndian, frames, sum }: Position,
) {
  for (let number = frames;;) {
    const bytes = readAt(descriptor, HEADER_BYTES + number * FRAME_BYTES, scratch);
    const count = Math.floor(bytes.length / FRAME_BYTES);
    for (let index = 0; index < count; index++) {
      const frame = bytes.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES);
      if (!frame.subarray(8, 16).equals(salts)) return;
      const page = frame.subarray(FRAME_HEADER_BYTES);
      sum = checksum(checksum(sum, frame.subarray(0, 8), isBigEndian), page, isBigEndian);
      // A frame of a transaction that was rolled back has the salts, but another sum.
      if (frame.readUInt32BE(16) !== sum[0] || frame.readUInt32BE(20) !== sum[1]) return;
      number++;
      yield {
        number,
        sum,
        page: frame.readUInt32BE(0),
        pageCount: frame.readUInt32BE(4),
        bytes: page,
      };
    }
    if (count < READ_FRAMES) return;
  }
}

function checksum([first, second]: Sum, bytes: Buffer, isBigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = !isBigEndian;
  let one = first;
  let other = second;
  for (let at = 0; at < bytes.length; at += 8) {
    one = (one + view.getUint32(at, isLittle) + other) >>> 0;
    other = (other + view.getUint32(at + 4, isLittle) + one) >>> 0;
  }
  return [one, other];
}

function readAt(descriptor: number, position: number, into: Buffer): Buffer {
  return into.subarray(0, readSync(descriptor, into, 0, into.length, position));
}
