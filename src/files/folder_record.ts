/**
 * Keeps what this machine and the store had in common last, beside a synchronised folder (O17).
 *
 * Without the record, no deletion is known, and a file of both sides that differs gets a second name. So
 * a lost record loses nothing. One that does not belong to the folder would: its files would count as
 * deleted. So a folder that is missing has none.
 */

import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { codeOf } from "../lib/errors.ts";
import type { LocalFile } from "./local_folder.ts";
import { type Files, readManifest, type StoredFile, writeManifest } from "./manifest.ts";

/** The last common state. */
export interface FolderRecord {
  /** Mark of the manifest, if the folder here had all of it. */
  readonly mark?: string | undefined;
  readonly base: Files<StoredFile>;
  /** Stamps and sums of the files here. */
  readonly seen: ReadonlyMap<string, Pick<LocalFile, "hash" | "stamp">>;
}

/** That of a folder without a past. */
export const NO_RECORD: FolderRecord = { base: new Map(), seen: new Map() };

const recordSchema = z.lazy(() =>
  z.object({
    place: z.string(),
    mark: z.string().optional(),
    base: z.string(),
    seen: z.array(z.tuple([z.string(), z.string(), z.string()])),
  })
);

/**
 * Reads it.
 *
 * @param place Names the store: the record of another one does not count.
 */
export async function readRecord(file: string, place: string): Promise<FolderRecord> {
  try {
    const found = recordSchema.parse(JSON.parse(await readFile(file, "utf8")));
    if (found.place !== place) return NO_RECORD;
    return {
      mark: found.mark,
      base: readManifest(new TextEncoder().encode(found.base)),
      seen: new Map(found.seen.map(([path, hash, stamp]) => [path, { hash, stamp }])),
    };
  } catch (error) {
    if (codeOf(error) !== undefined && codeOf(error) !== "ENOENT") throw error;
    return NO_RECORD; // none, or one that a crash has cut
  }
}

/** Writes it, whole or not at all. */
export async function writeRecord(
  file: string,
  place: string,
  { mark, base, seen }: FolderRecord,
): Promise<void> {
  const text = JSON.stringify({
    place,
    mark,
    base: new TextDecoder().decode(writeManifest(base)),
    seen: Array.from(seen, ([path, { hash, stamp }]) => [path, hash, stamp]),
  });
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

/** Deletes it. */
export async function forgetRecord(file: string): Promise<void> {
  await rm(file, { force: true });
}
