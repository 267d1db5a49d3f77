/**
 * Remembers in the data directory which shared store it belongs to.
 *
 * By it, a start tells its own file, which may have more than PostgreSQL, from an old copy; and a
 * command tells that the file here is not the store.
 */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { StoreError } from "../database/store_error.ts";

const NAME = "shared-store.json";

const RECORD = z.lazy(() =>
  z.strictObject({
    store: z.string(),
    /** Random id of this data directory. */
    owner: z.string(),
    /** The epoch of the last lease that this directory's process held; 0 if there was none. */
    epoch: z.int(),
    /** When it got that lease, by the database's clock; absent if there was none. */
    since: z.number().optional(),
    /** Of a standby: the owner's machine and data directory, as this directory last knew it. */
    place: z.string().optional(),
  })
);

export type SharedRecord = z.infer<typeof RECORD>;

/**
 * Reads the record.
 *
 * @returns `undefined` if the store of this directory was never shared.
 * @throws {StoreError} `unwritable`, if the file is not one that Barnacle wrote.
 */
export function readSharedRecord(dataDir: string): SharedRecord | undefined {
  const path = join(dataDir, NAME);
  try {
    return RECORD.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new StoreError(
      `Cannot read ${path}, which says to which shared store this data directory belongs; restore ` +
        "it, or start with another directory by --data",
      { kind: "unwritable", path, cause },
    );
  }
}

export function writeSharedRecord(dataDir: string, record: SharedRecord): void {
  const path = join(dataDir, NAME);
  writeFileSync(`${path}.part`, JSON.stringify(record), { mode: 0o600, flush: true });
  renameSync(`${path}.part`, path);
}
