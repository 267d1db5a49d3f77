/**
 * Gives a macOS binary a valid ad-hoc signature.
 *
 * Bun signs its binaries for arm64 anew, but those for x64 keep the signature of Bun's own runtime,
 * which does not match the changed file; macOS can end such a process at once. An ad-hoc signature
 * needs no key: it has the hash of each page, so the same binary gives the same signature.
 *
 * @see {@link https://github.com/apple-oss-distributions/xnu/blob/main/osfmk/kern/cs_blobs.h}
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const SEGMENT_64 = 0x19;
const CODE_SIGNATURE = 0x1d;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
/** Ad hoc, and made by a linker: `codesign` replaces such a signature without being asked. */
const FLAGS = 0x20002;
/** Version of the directory that has the bounds of the executable segment. */
const VERSION = 0x20400;
const DIRECTORY_BYTES = 88;
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const HASH_BYTES = 32;
/** Bytes of the blob around one directory. */
const WRAPPER_BYTES = 20;
const MAIN_BINARY = 1n;

/** Places in a binary, as byte offsets. */
interface Layout {
  /** Load command of the signature. */
  readonly command: number;
  /** Load command of the last segment, which contains the signature. */
  readonly linkEdit: number;
  readonly signature: number;
  /** Bytes of the segment with the code, which begins the file. */
  readonly codeBytes: bigint;
}

function layoutOf(file: Buffer): Layout {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new TypeError("Not a Mach-O file of 64 bits");
  let [command, linkEdit, codeBytes] = [0, 0, 0n];
  let at = HEADER_BYTES;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    const kind = file.readUInt32LE(at);
    if (kind === CODE_SIGNATURE) command = at;
    if (kind === SEGMENT_64) {
      const name = file.toString("latin1", at + 8, at + 24).replace(/\0+$/, "");
      if (name === "__TEXT") codeBytes = file.readBigUInt64LE(at + 48);
      if (name === "__LINKEDIT") linkEdit = at;
    }
    at += file.readUInt32LE(at + 4);
  }
  if (command === 0 || linkEdit === 0) throw new TypeError("The Mach-O file has no signature");
  return { command, linkEdit, codeBytes, signature: file.readUInt32LE(command + 8) };
}

/** The hashes of the pages before the signature. */
function hashesOf(file: Buffer, end: number): readonly Uint8Array[] {
  return Array.from(
    { length: Math.ceil(end / PAGE) },
    (_, page) =>
      createHash("sha256").update(file.subarray(page * PAGE, Math.min(end, (page + 1) * PAGE)))
        .digest(),
  );
}

/** Whether the signature covers all bytes before it, with the right hash of each page. */
export function hasValidSignature(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { signature } = layoutOf(file);
  const blob = file.subarray(signature);
  if (blob.readUInt32BE(0) !== SUPER_BLOB) return false;
  const directory = blob.subarray(blob.readUInt32BE(16));
  if (directory.readUInt32BE(0) !== CODE_DIRECTORY) return false;
  const hashes = directory.readUInt32BE(16);
  return directory.readUInt32BE(32) === signature && directory.readUInt8(39) === PAGE_BITS &&
    hashesOf(file, signature).every((hash, page) =>
      directory.subarray(hashes + page * HASH_BYTES, hashes + (page + 1) * HASH_BYTES).equals(hash)
    );
}

/**
 * Signs a binary ad hoc, in place of its signature.
 *
 * @param identifier Name in the signature.
 * @throws {TypeError} If it is no 64-bit Mach-O file with a place for a signature.
 */
export function withSignature(bytes: Uint8Array, identifier: string): Uint8Array {
  const old = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { command, linkEdit, signature, codeBytes } = layoutOf(old);
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(signature / PAGE);
  const directoryBytes = DIRECTORY_BYTES + name.length + pages * HASH_BYTES;
  const size = Math.ceil((WRAPPER_BYTES + directoryBytes) / 16) * 16;
  const file = Buffer.alloc(signature + size);
  old.copy(file, 0, 0, signature);

  // The hash of the first page covers these sizes, so they change first.
  file.writeUInt32LE(size, command + 12);
  const segmentBytes = BigInt(file.length) - file.readBigUInt64LE(linkEdit + 40);
  const inMemory = (segmentBytes + BigInt(PAGE) - 1n) / BigInt(PAGE) * BigInt(PAGE);
  file.writeBigUInt64LE(inMemory, linkEdit + 32);
  file.writeBigUInt64LE(segmentBytes, linkEdit + 48);

  const blob = file.subarray(signature);
  [SUPER_BLOB, WRAPPER_BYTES + directoryBytes, 1, 0, WRAPPER_BYTES]
    .forEach((value, index) => blob.writeUInt32BE(value, index * 4));
  const directory = blob.subarray(WRAPPER_BYTES);
  const hashOffset = DIRECTORY_BYTES + name.length;
  [CODE_DIRECTORY, directoryBytes, VERSION, FLAGS, hashOffset, DIRECTORY_BYTES, 0, pages, signature]
    .forEach((value, index) => directory.writeUInt32BE(value, index * 4));
  directory.set([HASH_BYTES, 2, 0, PAGE_BITS], 36); // 2: SHA-256
  directory.writeBigUInt64BE(codeBytes, 72);
  directory.writeBigUInt64BE(MAIN_BINARY, 80);
  name.copy(directory, DIRECTORY_BYTES);
  hashesOf(file, signature).forEach((hash, page) =>
    directory.set(hash, hashOffset + page * HASH_BYTES)
  );
  return file;
}
