/** Reads the hashes of packages from `deno.lock`. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The part of `deno.lock` that the scripts read. */
export interface LockFile {
  /** Packages by `name@version`; a package with peers has them behind a `_`. */
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

/** A package whose content is not the one of the lock file. */
export class IntegrityError extends Error {
  override readonly name = "IntegrityError";
}

/** Reads this project's lock file. */
export function readLockFile(): LockFile {
  const root = join(import.meta.dirname ?? ".", "..", "..");
  return JSON.parse(readFileSync(join(root, "deno.lock"), "utf8"));
}

/**
 * Finds the SHA-512 of a package's archive.
 *
 * @returns In base64.
 * @throws {IntegrityError} If the lock file has no such package, or another kind of hash.
 */
export function sha512Of({ npm }: LockFile, name: string, version: string): string {
  const id = `${name}@${version}`;
  const key = Object.keys(npm).find((key) => key === id || key.startsWith(`${id}_`));
  const hash = /^sha512-(\S+)$/.exec(npm[key ?? ""]?.integrity ?? "")?.[1];
  if (hash === undefined) throw new IntegrityError(`deno.lock has no SHA-512 of ${id}`);
  return hash;
}

/**
 * Compares a package's archive with its hash.
 *
 * @param sha512 In base64.
 * @throws {IntegrityError} If they differ.
 */
export function checkSha512(archive: Uint8Array, sha512: string, what: string): void {
  const actual = createHash("sha512").update(archive).digest("base64");
  if (actual !== sha512) {
    throw new IntegrityError(`${what} has SHA-512 ${actual}, but deno.lock says ${sha512}`);
  }
}
