/**
 * The part of MLS that a voice server plays: it proposes members as the group's external sender, and
 * reads key packages and commits. It has no keys of the group.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9420}
 * @see {@link https://daveprotocol.com}
 */

import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, sign } from "node:crypto";

const VERSION = number(2, 1);
const SUITE = number(2, 2);
const PUBLIC_MESSAGE = number(2, 1);

/** An integer, big endian. */
export function number(bytes: 1 | 2 | 4 | 8, value: number | bigint): Buffer {
  const whole = Buffer.alloc(8);
  whole.writeBigUInt64BE(BigInt(value));
  return whole.subarray(8 - bytes);
}

/** A vector with its length in front. */
export function vector(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 64
    ? number(1, body.length)
    : body.length < 16_384
    ? number(2, body.length | 0x4000)
    : number(4, body.length + 0x8000_0000);
  return Buffer.concat([length, body]);
}

export const addition = (keyPackage: Buffer): Buffer => Buffer.concat([number(2, 1), keyPackage]);
export const removal = (leaf: number): Buffer => Buffer.concat([number(2, 3), number(4, leaf)]);

export function createExternalSender() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const point = publicKey.export({ format: "der", type: "spki" }).subarray(-65);
  return {
    /** Its key and its credential: the body of op 25. */
    packaged: Buffer.concat([vector(point), number(2, 1), vector(Buffer.from("simulator"))]),
    /** An add or a remove, as MLSMessage. */
    propose(groupId: Buffer, epoch: bigint, body: Buffer) {
      const content = Buffer.concat([
        vector(groupId),
        number(8, epoch),
        number(1, 2), // an external sender,
        number(4, 0), // the first
        vector(), // no authenticated data
        number(1, 2), // a proposal
        body,
      ]);
      const signed = Buffer.concat([
        vector(Buffer.from("MLS 1.0 FramedContentTBS")),
        vector(VERSION, PUBLIC_MESSAGE, content),
      ]);
      const authenticated = Buffer.concat([
        PUBLIC_MESSAGE,
        content,
        vector(sign("sha256", signed, privateKey)),
      ]);
      return {
        message: Buffer.concat([VERSION, authenticated]),
        ref: createHash("sha256").update(
          Buffer.concat([vector(Buffer.from("MLS 1.0 Proposal Reference")), vector(authenticated)]),
        ).digest(),
      };
    },
  };
}

/** Reads whose a key package is, and checks its length and lifetime; its clients check the rest. */
export function ownerOf(bytes: Buffer): string | undefined {
  return attempt(() => {
    const read = reader(bytes);
    if (!read.take(4).equals(Buffer.concat([VERSION, SUITE]))) return undefined;
    read.vector();
    const { identity, lifetime } = readLeaf(read);
    for (const _ of ["extensions", "signature"]) read.vector();
    const isUnlimited = lifetime?.equals(Buffer.concat([number(8, 0), Buffer.alloc(8, 0xff)]));
    if (!isUnlimited || read.at() !== bytes.length) return undefined;
    return String(identity.readBigUInt64BE());
  });
}

/**
 * Reads a commit of a group, whose proposals must all be references.
 *
 * @returns `leaf`: that of its sender. `message`: its bytes, which a welcome may follow.
 */
export function readCommit(bytes: Buffer, groupId: Buffer) {
  return attempt(() => {
    const read = reader(bytes);
    if (!read.take(4).equals(Buffer.concat([VERSION, PUBLIC_MESSAGE]))) return undefined;
    if (!read.vector().equals(groupId)) return undefined;
    const epoch = read.take(8).readBigUInt64BE();
    if (read.take(1)[0] !== 1) return undefined; // by no member
    const leaf = read.take(4).readUInt32BE();
    read.vector();
    if (read.take(1)[0] !== 3) return undefined; // no commit
    const proposals = reader(read.vector());
    const refs: Buffer[] = [];
    while (!proposals.isAtEnd()) {
      if (proposals.take(1)[0] !== 2) return undefined; // a proposal of its own
      refs.push(proposals.vector());
    }
    if (read.take(1)[0] === 1) { // a path of new keys
      readLeaf(read);
      read.vector();
    }
    for (const _ of ["signature", "confirmation tag", "membership tag"]) read.vector();
    return { epoch, leaf, refs, message: bytes.subarray(0, read.at()) };
  });
}

type Reader = ReturnType<typeof reader>;

function reader(bytes: Buffer) {
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("Cannot read: the message ends too early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    take,
    vector(): Buffer {
      const first = take(1).readUInt8();
      const more = (1 << (first >> 6)) - 1;
      return take([...take(more)].reduce((sum, byte) => sum * 256 + byte, first & 0x3f));
    },
    at: () => at,
    isAtEnd: () => at === bytes.length,
  };
}

function readLeaf(read: Reader) {
  read.vector();
  read.vector();
  if (read.take(2).readUInt16BE() !== 1) throw new RangeError("Cannot read: no basic credential");
  const identity = read.vector();
  for (let capability = 0; capability < 5; capability++) read.vector();
  const source = read.take(1).readUInt8();
  const lifetime = source === 1 ? read.take(16) : undefined;
  if (source === 3) read.vector();
  for (const _ of ["extensions", "signature"]) read.vector();
  return { identity, lifetime };
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined; // malformed
  }
}
