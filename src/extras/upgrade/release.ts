/**
 * Reads a release: its signed list of checksums, and its program.
 *
 * Nothing that comes from there is trusted: `SHA256SUMS` has a signature, and the program its hash in
 * the list. So a mirror, a proxy and plain HTTP may be used.
 */

import { createReadStream } from "node:fs";
import { join, resolve } from "node:path";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { VERSION_FORM } from "../../lib/version_order.ts";
import { RELEASES_URL, VERSION } from "../../version.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { readMinisignKey, SignatureError, verifyMinisign } from "./minisign.ts";

export interface Release {
  readonly version: string;
  /** SHA-256 of each file, by its name. */
  readonly sums: ReadonlyMap<string, string>;
  /**
   * Opens a file of the release.
   *
   * @throws {StartError} Each step, if it cannot be read.
   */
  readonly open: (name: string) => AsyncGenerator<Uint8Array, void>;
}

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
export async function readRelease(
  { from, wanted, key, cwd }: {
    readonly from: string | undefined;
    readonly wanted: string | undefined;
    /** The public key of minisign. */
    readonly key: string;
    readonly cwd: string;
  },
): Promise<Release> {
  const place = from ?? ownPlace(wanted);
  const isAddress = /^https?:\/\//i.test(place);
  const folder = isAddress ? place.replace(/\/+$/, "") : resolve(cwd, place);
  const open = (name: string) =>
    isAddress ? readUrl(`${folder}/${name}`) : readFile(join(folder, name));
  const text = await readSmall(open("SHA256SUMS"));
  const signature = await readSmall(open("SHA256SUMS.minisig"));
  try {
    const comment = verifyMinisign(
      text,
      new TextDecoder().decode(signature),
      readMinisignKey(key),
    );
    const version = /^barnacle v(.*)$/.exec(comment)?.[1] ?? "";
    if (!VERSION_FORM.test(version)) {
      throw new SignatureError(`the signature is of "${printable(comment)}", which is no release`);
    }
    if (wanted !== undefined && version !== wanted) {
      throw new SignatureError(`the release is ${version}, not ${printable(wanted)}`);
    }
    const lines = new TextDecoder().decode(text).matchAll(/^([0-9a-f]{64}) [ *](\S+)$/gm);
    return { version, sums: new Map(lines.map(([, sum = "", name = ""]) => [name, sum])), open };
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
