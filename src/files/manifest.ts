/**
 * Reads and writes the manifest of a synchronised folder: its paths, each with the object that has its
 * content (O17).
 *
 * Another program may have written it. So a path must be one that tools could name, and sums, sizes and
 * counts have limits. No path is part of an object's key.
 */

import { z } from "zod";
import { pathParts } from "../workspace/files.ts";
import { BucketError } from "./bucket_error.ts";

/** A file, wherever it is. */
export interface FileVersion {
  /** SHA-256 of its content, in hex. */
  readonly hash: string;
  /** Its bytes. */
  readonly size: number;
  readonly isProgram: boolean;
  /** Milliseconds since 1970 by the clock of the machine that changed it. */
  readonly changedAt: number;
}

/** A file whose content is an object. */
export interface StoredFile extends FileVersion {
  /** Its object: 32 hex digits. No other content ever gets this id. */
  readonly blob: string;
}

/** Files by their paths. */
export type Files<File extends FileVersion> = ReadonlyMap<string, File>;

/** Maximum number of files of a folder, and sizes of one and of all. */
export const FOLDER_LIMITS = {
  files: 4_000,
  fileBytes: 32 * 2 ** 20,
  totalBytes: 2 ** 30,
} as const;

/** Maximum bytes of a manifest: that of a folder with as many long paths as it may have. */
export const MAX_MANIFEST_BYTES = 16 * 2 ** 20;

const manifestSchema = z.lazy(() =>
  z.strictObject({
    version: z.literal(1),
    files: z.array(z.strictObject({
      path: z.string(),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      size: z.int().min(0).max(FOLDER_LIMITS.fileBytes),
      blob: z.string().regex(/^[0-9a-f]{32}$/),
      isProgram: z.boolean(),
      changedAt: z.number().min(0).max(8_640_000_000_000_000),
    })).max(FOLDER_LIMITS.files),
  })
);

/** Whether a folder may have a path: one that a tool could name. */
export function isUsablePath(path: string): boolean {
  try {
    return path !== "" && pathParts(path).join("/") === path;
  } catch {
    return false; // the reason is for a model
  }
}

/** The paths of folders around a file. */
export function foldersAround(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** Reads a manifest. @throws {BucketError} If it is none that Barnacle writes. */
export function readManifest(bytes: Uint8Array): Files<StoredFile> {
  const files = new Map<string, StoredFile>();
  for (const { path, ...file } of parsed(bytes)) {
    if (!isUsablePath(path) || files.has(path)) throw foreign("a path that no file may have");
    files.set(path, file);
  }
  assertWhole(files);
  return files;
}

function parsed(bytes: Uint8Array) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return manifestSchema.parse(JSON.parse(text)).files;
  } catch {
    throw foreign("a manifest of another form"); // its text may be anyone's
  }
}

/** Writes a manifest. @throws {BucketError} If another process would refuse it. */
export function writeManifest(files: Files<StoredFile>): Uint8Array<ArrayBuffer> {
  assertWhole(files);
  const rows = [...files].toSorted(([one], [other]) => one < other ? -1 : 1)
    .map(([path, { hash, size, blob, isProgram, changedAt }]) => {
      if (!isUsablePath(path)) throw foreign("a path that no file may have");
      return { path, hash, size, blob, isProgram, changedAt };
    });
  return new TextEncoder().encode(JSON.stringify({ version: 1, files: rows }));
}

/** A file cannot be a folder, too; and all files together have a limit. */
function assertWhole(files: Files<FileVersion>): void {
  let bytes = 0;
  for (const [path, { size }] of files) {
    bytes += size;
    if (foldersAround(path).some((folder) => files.has(folder))) {
      throw foreign("a path that is a file and a folder");
    }
  }
  if (bytes > FOLDER_LIMITS.totalBytes || files.size > FOLDER_LIMITS.files) {
    throw foreign("more files or bytes than it may have; delete some");
  }
}

function foreign(what: string): BucketError {
  return new BucketError("damaged", `the workspace in the file store has ${what}`);
}
