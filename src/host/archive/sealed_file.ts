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
import { ArchiveError, createSource } from "./source.ts";

/** Costs of guessing a passphrase: 128 MiB and half a second of this machine for each guess. */
const SCRYPT_LOG_N = 17;
/** Level of compression. The next ones take longer and save 2 %. */
const LEVEL = 1;
/** Pieces that other threads compress while this one reads, hashes, encrypts and writes. */
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
const AGE_MAGIC = Buffer.from("age-encryption.org/v1\n").toString("hex");

const compress = promisify(zstdCompress);

/** The passphrase does not open the file, or the file needs one. */
export class PassphraseError extends Error {
  override readonly name = "PassphraseError";
}

/** The kind of a file, by its first bytes. */
type SealedKind = "plain" | "encrypted" | "other";

/** Reads the kind of a file. */
async function kindOf(file: FileHandle): Promise<SealedKind> {
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
  { path, part, passphrase, onWritten }: {
    readonly path: string;
    readonly part: string;
    /** Absent: not encrypted. */
    readonly passphrase?: string;
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
      for await (
        const chunk of gathered(passphrase ? await encrypted(packed, passphrase) : packed)
      ) {
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

/** Encryption makes chunks of 64 KiB; larger writes cost less. */
async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
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
  for await (const chunk of gathered(content)) {
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
      if (!isOurs) throw broken();
      const packed = await source.take(length);
      let chunk: Uint8Array;
      try {
        chunk = zstdDecompressSync(packed, { maxOutputLength: CHUNK_BYTES });
      } catch {
        throw broken();
      }
      yield chunk;
    }
  } finally {
    await source.close();
  }
}

function broken(): ArchiveError {
  return new ArchiveError("cut", "a part of it is missing or changed");
}

async function encrypted(
  content: AsyncIterable<Uint8Array>,
  passphrase: string,
): Promise<AsyncIterable<Uint8Array>> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(SCRYPT_LOG_N);
  return valuesOf(await encrypter.encrypt(toWebStream(content)));
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

async function decrypted(
  content: AsyncIterable<Uint8Array>,
  passphrase: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  if (passphrase === undefined) throw new PassphraseError("it is encrypted");
  const whole = await withCheckedHeader(content);
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return valuesOf(
      await decrypter.decrypt(toWebStream(whole)),
      (error) => isOfSystem(error) ? error : broken(),
    );
  } catch (error) {
    if (isOfSystem(error)) throw error;
    const isWrong = error instanceof Error && error.message.startsWith("no identity matched");
    if (isWrong) throw new PassphraseError("the passphrase is wrong");
    throw broken();
  }
}

/** Longest header; Barnacle's own has less than 200 bytes. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Largest work factor to try: `age` itself writes 18, which takes 256 MiB. */
const MAX_SCRYPT_LOG_N = 18;

/** The same content, unless its header would take much memory: a stranger may have written it. */
async function withCheckedHeader(
  content: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> {
  const iterator = content[Symbol.asyncIterator]();
  const { value: first = new Uint8Array(0) } = await iterator.next();
  const header = Buffer.from(first.subarray(0, MAX_HEADER_BYTES)).toString("latin1");
  const end = header.indexOf("\n--- ");
  const factor = /^-> scrypt \S+ (\d+)$/m.exec(header.slice(0, Math.max(0, end)))?.[1];
  if (end === -1 || Number(factor ?? 0) > MAX_SCRYPT_LOG_N) {
    await iterator.return?.();
    throw end === -1 ? broken() : new ArchiveError(
      "foreign",
      "to try a passphrase would take more memory than age itself uses",
    );
  }
  return (async function* () {
    try {
      yield first;
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  })();
}

/** Whether an error is the system's, such as that of an unreadable disk. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/** A stream that makes a chunk when its reader wants one. */
function toWebStream(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

/** The chunks of a stream. The runtimes differ in the type of the stream's own iterator. */
async function* valuesOf(
  stream: ReadableStream<Uint8Array>,
  toError: (error: unknown) => unknown = (error) => error,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw toError(error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // a stream that failed has ended
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
