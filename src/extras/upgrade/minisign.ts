/**
 * Verifies signatures of minisign, with which the maintainer signs a release (SEC-R37).
 *
 * A signature covers the BLAKE2b-512 hash of the file. Its trusted comment has a signature of its own.
 */

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

interface MinisignKey {
  /** Number of the key, as 16 hexadecimal digits. Signatures name it. */
  readonly id: string;
  readonly key: KeyObject;
}

/** A key or a signature that is damaged, or a signature that does not fit. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/** The first two bytes of a public key. */
const KEY_KIND = "Ed";

/** The first two bytes of a signature over the hash of a file. minisign 0.9 and older make no such. */
const SIGNATURE_KIND = "ED";

const KIND_BYTES = 2;
const ID_BYTES = 8;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const TRUSTED_COMMENT = "trusted comment: ";

/**
 * Reads a public key.
 *
 * @param text The content of a `.pub` file, or its second line alone.
 * @throws {SignatureError} If it is none.
 */
export function readMinisignKey(text: string): MinisignKey {
  const bytes = bytesOf(linesOf(text).at(-1), KIND_BYTES + ID_BYTES + KEY_BYTES);
  if (bytes === undefined || kindOf(bytes) !== KEY_KIND) {
    throw new SignatureError("this is no public key of minisign");
  }
  const x = bytes.subarray(KIND_BYTES + ID_BYTES).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return { id: idOf(bytes), key };
}

/**
 * Verifies the signature of a file, and of its trusted comment.
 *
 * @param signature The content of the `.minisig` file.
 * @returns The trusted comment: `"barnacle v1.0.0"`. Compare it with the wanted version, because an
 *   older release has a good signature, too.
 * @throws {SignatureError} If the file is not the one that was signed with the key.
 */
export function verifyMinisign(file: Uint8Array, signature: string, key: MinisignKey): string {
  const [, first, comment = "", second, ...more] = linesOf(signature);
  const signed = bytesOf(first, KIND_BYTES + ID_BYTES + SIGNATURE_BYTES);
  const whole = bytesOf(second, SIGNATURE_BYTES);
  if (
    signed === undefined || whole === undefined || more.length > 0 ||
    !comment.startsWith(TRUSTED_COMMENT)
  ) throw new SignatureError("the signature is damaged or cut");
  if (kindOf(signed) !== SIGNATURE_KIND) {
    throw new SignatureError("the signature was made by minisign 0.9 or older");
  }
  if (idOf(signed) !== key.id) {
    throw new SignatureError(`the signature is of the key ${idOf(signed)}, not of ${key.id}`);
  }
  const own = signed.subarray(KIND_BYTES + ID_BYTES);
  if (!verify(null, createHash("blake2b512").update(file).digest(), key.key, own)) {
    throw new SignatureError("the file is not the one that was signed");
  }
  const trusted = comment.slice(TRUSTED_COMMENT.length);
  const covered = new Uint8Array([...own, ...new TextEncoder().encode(trusted)]);
  if (!verify(null, covered, key.key, whole)) {
    throw new SignatureError("the trusted comment is not the one that was signed");
  }
  return trusted;
}

/** Lines without their ends, and without the empty line at the end of the text. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** @returns `undefined` if the line is no base64 of so many bytes. */
function bytesOf(line: string | undefined, length: number): Uint8Array | undefined {
  if (line === undefined) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(line, { lastChunkHandling: "strict" });
    return bytes.length === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function kindOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, KIND_BYTES));
}

/** minisign prints the number as a little-endian integer. */
function idOf(bytes: Uint8Array): string {
  return bytes.slice(KIND_BYTES, KIND_BYTES + ID_BYTES).reverse().toHex().toUpperCase();
}
