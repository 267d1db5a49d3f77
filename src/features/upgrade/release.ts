/**
 * Reads a release: its signed list of checksums, and its program.
 *
 * Nothing that comes from there is trusted: `SHA256SUMS` has a signature, and the program its hash
 * in the list. So a mirror, a proxy and plain HTTP may be used. A signature of minisign covers the
 * BLAKE2b-512 hash of the file (SEC-R37).
 */

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { RELEASES_URL, VERSION } from "../../version.ts";

/** A version without build metadata: `"1.2.0"` or `"1.2.0-rc.1"`. */
export const VERSION_FORM: RegExp =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?$/;

/**
 * Compares two versions.
 *
 * @returns Negative if the first one is older, positive if it is newer, 0 if they are equal. A text
 * that is no version is older than each version.
 */
export function compareVersions(first: string, second: string): number {
  const [one, other] = [VERSION_FORM.exec(first), VERSION_FORM.exec(second)];
  if (!one || !other) return Number(Boolean(one)) - Number(Boolean(other));
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other[part]);
    if (difference !== 0) return difference;
  }
  return comparePreviews(one[4], other[4]);
}

/** A version is newer than its previews. */
function comparePreviews(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) {
    return Number(one === undefined) - Number(other === undefined);
  }
  return one.localeCompare(other, "en", { numeric: true });
}

export type Release = Awaited<ReturnType<typeof openRelease>>;

/** Milliseconds without any byte after which a download has failed. */
const IDLE_MS = 30_000;
const SUMS_MAX_BYTES = 2 ** 20;
const NEXT = "nothing was changed. Try again later, or name another place with --from";

/**
 * Reads the list of a release, and checks its signature.
 *
 * @param from A folder or an address with the files of one release; absent: the project's own.
 * @param wanted A version; absent: the newest one.
 * @throws {StartError} If there is none, or the maintainer has not signed it.
 */
export async function openRelease(
  { from, wanted, key, cwd }: {
    readonly from: string | undefined;
    readonly wanted: string | undefined;
    /** The public key of minisign. */
    readonly key: string;
    readonly cwd: string;
  },
) {
  const place = from ?? ownPlace(wanted);
  const isAddress = /^https?:\/\//i.test(place);
  const folder = isAddress ? place.replace(/\/+$/, "") : resolve(cwd, place);
  const open = (name: string) =>
    isAddress ? readUrl(`${folder}/${name}`) : readFile(join(folder, name));
  const text = await readSmall(open("SHA256SUMS"));
  const signature = await readSmall(open("SHA256SUMS.minisig"));
  try {
    const comment = verifyMinisign(text, new TextDecoder().decode(signature), readMinisignKey(key));
    const version = /^barnacle v(.*)$/.exec(comment)?.[1] ?? "";
    if (!VERSION_FORM.test(version)) {
      throw new SignatureError(`the signature is of "${printable(comment)}", which is no release`);
    }
    if (wanted !== undefined && version !== wanted) {
      throw new SignatureError(`the release is ${version}, not ${printable(wanted)}`);
    }
    const lines = new TextDecoder().decode(text).matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm);
    return {
      version,
      /** SHA-256 of each file, by its name. */
      sums: new Map(lines.map(([, sum = "", name = ""]) => [name, sum] as const)),
      /** Opens a file; each step throws a StartError if it cannot be read. */
      open,
    };
  } catch (cause) {
    if (!(cause instanceof SignatureError)) throw cause;
    throw new StartError(
      `do not trust ${shown(place)}: ${cause.message}; nothing was changed. Try again, or name ` +
        "another place with --from; if it stays so, tell the maintainers",
      EXIT.failed,
      cause,
    );
  }
}

function ownPlace(wanted: string | undefined): string {
  if (RELEASES_URL !== "") {
    return wanted === undefined
      ? `${RELEASES_URL}/latest/download`
      : `${RELEASES_URL}/download/v${encodeURIComponent(wanted)}`;
  }
  throw new StartError(
    "this build knows no address of releases; name a folder or an address with --from",
    EXIT.failed,
  );
}

async function readSmall(bytes: AsyncGenerator<Uint8Array, void>): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > SUMS_MAX_BYTES) {
      throw new StartError(`SHA256SUMS there is no list of checksums; ${NEXT}`, EXIT.failed);
    }
    chunks.push(new Uint8Array(chunk));
  }
  return await new Blob(chunks).bytes();
}

/** An address or a path on one line, without a password. */
function shown(place: string): string {
  return printable(place.replace(/^(https?:\/\/)[^/?#]*@/i, "$1"));
}

async function* readUrl(url: string): AsyncGenerator<Uint8Array, void> {
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), IDLE_MS);
  try {
    const response = await fetch(url, {
      signal: idle.signal,
      headers: { "user-agent": `barnacle/${VERSION}`, "accept-encoding": "identity" },
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new StartError(`${shown(url)} answers ${response.status}; ${NEXT}`, EXIT.tryAgain);
    }
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), IDLE_MS);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const why = idle.signal.aborted
      ? `nothing came for ${IDLE_MS / 1_000} s`
      : codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new StartError(
      `cannot read ${shown(url)} (${printable(why)}); ${NEXT}`,
      EXIT.tryAgain,
      cause,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (cause) {
    const code = codeOf(cause) ?? "unknown reason";
    throw new StartError(`cannot read ${shown(path)} (${code}); ${NEXT}`, EXIT.io, cause);
  }
}

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
