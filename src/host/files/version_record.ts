/**
 * Keeps, in the data directory, which version of Barnacle stored the last event (O13).
 *
 * Until a new version stores its first event, the version before it can go on with the copy of the
 * store from before the migration, and nothing is lost or done twice.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";
import { syncFolder } from "./write_file.ts";

function pathOf(dataDir: string): string {
  return join(dataDir, "version.json");
}

/**
 * Reads the version that stored the last event.
 *
 * @returns `undefined` without a record; an unreadable one counts as none, so that no bot fails for it.
 */
export function readLastVersion(dataDir: string): string | undefined {
  try {
    const found = parseForeignJson(readFileSync(pathOf(dataDir), "utf8"));
    const accepted = isRecord(found) ? found["accepted"] : undefined;
    return typeof accepted === "string" ? accepted : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces the record. It is on the disk when this returns.
 *
 * @throws {Error} If the disk refuses.
 */
export function writeLastVersion(dataDir: string, accepted: string): void {
  const path = pathOf(dataDir);
  const part = `${path}.part`;
  try {
    writeFileSync(part, `${JSON.stringify({ accepted })}\n`, { mode: 0o600, flush: true });
    renameSync(part, path);
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
  syncFolder(dataDir);
}
