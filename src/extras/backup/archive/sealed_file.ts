/**
 * Writes and reads a compressed file, encrypted with a passphrase if wanted, as a stream.
 *
 * The formats are public, so `zstd` and `age` open such a file without Barnacle: Zstandard, within
 * the format of age if it is encrypted. Each mebibyte is a Zstandard frame of its own, behind a frame
 * with its length that `zstd` skips, as `pzstd` writes them. So a piece is unpacked by one call, whose
 * failure both runtimes tell in the same way.
 */

import { Buffer } from "node:buffer";
import { constants as FILE } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompressSync } from "node:zlib";
import { AGE_MAGIC, decrypted, encrypted } from "./age.ts";
import { ArchiveError, createSource, damagedError } from "./source.ts";
import { gathered } from "./streams.ts";

/** Level of compression. The next ones take longer and save 2 %. */
const LEVEL = 1;
/** Pieces that other threads compress while this one reads, hashes and writes. */
const AHEAD = 2;
/** Bytes that are read at once. */
const CHUNK_BYTES = 1024 * 1024;
/**
 * Bytes until the disk must have them. Without that, the kernel writes them all at once later, and a
 * bot that stores a message at that moment waits for all of them.
 */
const SYNC_BYTES = 8 * 1024 * 1024;

/** The frame before each piece: its number and its length, and then the bytes of the piece. */
const FRAME = Buffer.from("502a4d1804000000", "hex");
const FRAME_BYTES = 12;
/** Bytes of a piece that cannot be compressed, at most. */
const MAX_PACKED_BYTES = CHUNK_BYTES + 64 * 1024;

const compress = promisify(zstdCompress);

async function kindOf(file: FileHandle): Promise<("plain" | "encrypted" | "other")> {
  const head = Buffer.alloc(AGE_MAGIC.length / 2);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const hex = head.subarray(0, bytesRead).toString("hex");
  if (hex === AGE_MAGIC) return "encrypted";
  return head.subarray(0, FRAME.length).equals(FRAME) ? "plain" : "other";
}

/**
 * Writes a file that only this user can read. The file has its name once it is whole and on the disk.
 *
 * @param part Path of the unfinished file, on the same disk. It is removed if anything fails.
 * @returns Bytes of the file.
 */
export async function writeSealed(
  { path, part, passphrase, logN, onWritten }: {
    readonly path: string;
    readonly part: string;
    /** Absent: not encrypted. */
    readonly passphrase?: string;
    /** As for `encrypted()`. */
    readonly logN?: number;
    /** Called once the disk has the whole file, before it gets its name. */
    readonly onWritten?: () => void;
  },
  content: AsyncIterable<Uint8Array>,
): Promise<number> {
  await rm(part, { force: true });
  const file = await open(part, "wx", 0o600);
  let size = 0;
  try {
    try {
      let unsynced = 0;
      const packed = compressed(content);
      const sealed = passphrase
        ? encrypted(packed, passphrase, logN)
        : gathered(packed, CHUNK_BYTES);
      for await (const chunk of sealed) {
        await file.writeFile(chunk);
        size += chunk.length;
        unsynced += chunk.length;
        if (unsynced < SYNC_BYTES) continue;
        unsynced = 0;
        await file.datasync();
      }
      await file.sync();
    } finally {
      await file.close();
    }
    onWritten?.();
    await rename(part, path);
    await syncFolder(dirname(path));
    return size;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function* compressed(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const params = {
    [constants.ZSTD_c_compressionLevel]: LEVEL,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  const pack = async (piece: Uint8Array): Promise<Uint8Array> => {
    const packed = await compress(piece, { params, chunkSize: MAX_PACKED_BYTES });
    const length = Buffer.alloc(FRAME_BYTES - FRAME.length);
    length.writeUInt32LE(packed.length);
    return Buffer.concat([FRAME, length, packed]);
  };
  const packing: Promise<Uint8Array>[] = []; // in their order
  for await (const chunk of gathered(content, CHUNK_BYTES)) {
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
      const packed = pack(chunk.subarray(at, at + CHUNK_BYTES));
      packed.catch(() => {}); // thrown below, unless the file has failed before
      packing.push(packed);
      const first = packing.length > AHEAD ? packing.shift() : undefined;
      if (first) yield await first;
    }
  }
  for (const packed of packing) yield await packed;
}

async function* unpacked(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = createSource(content);
  try {
    while (!await source.isAtEnd()) {
      const frame = Buffer.from(await source.take(FRAME_BYTES));
      const length = frame.readUInt32LE(FRAME.length);
      const isOurs = frame.subarray(0, FRAME.length).equals(FRAME) && length <= MAX_PACKED_BYTES;
      if (!isOurs) throw damagedError();
      const packed = await source.take(length);
      let chunk: Uint8Array;
      try {
        chunk = zstdDecompressSync(packed, { maxOutputLength: CHUNK_BYTES });
      } catch {
        throw damagedError();
      }
      yield chunk;
    }
  } finally {
    await source.close();
  }
}

/** Opens a file to read. It waits for no writer of a pipe. @throws {ArchiveError} If it is no file. */
export async function openSealed(path: string): Promise<FileHandle> {
  const file = await open(path, FILE.O_RDONLY | (FILE.O_NONBLOCK ?? 0));
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  throw new ArchiveError(
    "foreign",
    stats.isDirectory() ? "it is a folder" : "it is no regular file",
  );
}

/**
 * Reads the content of a file, and closes it.
 *
 * @param from The path; or the open file, if this user could not open it any more.
 * @param passphrase Asked for only if the file is encrypted.
 * @throws {PassphraseError} If it is the wrong one, or there is none.
 * @throws {ArchiveError} If the file is of another kind, or a part of it is missing or changed.
 */
export async function* readSealed(
  from: string | FileHandle,
  passphrase: () => Promise<string | undefined>,
): AsyncGenerator<Uint8Array> {
  const file = typeof from === "string" ? await openSealed(from) : from;
  try {
    const kind = await kindOf(file);
    if (kind === "other") throw new ArchiveError("foreign", "it is no backup of Barnacle");
    const chunks = chunksOf(file);
    yield* unpacked(kind === "plain" ? chunks : await decrypted(chunks, await passphrase()));
  } finally {
    await file.close(); // the decrypter leaves it open if the passphrase is wrong
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // Windows cannot open a folder
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
