/**
 * Keeps, in the data directory, which version of Barnacle works with the data (O13).
 *
 * A new version is on trial until it accepts its first event. Until then, the old version can go on
 * with the copy of the store from before the migration, and nothing is lost or done twice.
 */

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";

/** The trial of a new version. */
export interface TrialRecord {
  /** The new version. */
  readonly version: string;
  /** The version that worked with the data before. */
  readonly from: string;
  /** Number of the store's schema before the trial. */
  readonly schema: number;
  /** When the trial began. */
  readonly since: number;
  /** Starts that have not ended in order. */
  readonly starts: number;
  /** When the last start has ended in order; absent while one runs, and if it died. */
  readonly left?: number;
}

/** A trial that has failed. */
export interface FailedTrial {
  readonly version: string;
  readonly why: string;
  readonly at: number;
  /** Whether the old version has logged it. */
  readonly isTold: boolean;
}

/** All that the file has. */
export interface VersionRecord {
  /** The version that accepted an event last. */
  readonly accepted?: string;
  /** The trial that has begun. */
  readonly trial?: TrialRecord;
  /** The last trial that has failed. */
  readonly failed?: FailedTrial;
}

function pathOf(dataDir: string): string {
  return join(dataDir, "version.json");
}

/** Reads the record; an unreadable one counts as none, so that no bot fails for it. */
export function readVersionRecord(dataDir: string): VersionRecord {
  let found: unknown;
  try {
    found = parseForeignJson(readFileSync(pathOf(dataDir), "utf8"));
  } catch {
    return {}; // a new data directory, or one of a version before this record
  }
  if (!isRecord(found)) return {};
  const { accepted, trial, failed } = found;
  return {
    accepted: typeof accepted === "string" ? accepted : undefined,
    trial: isTrial(trial) ? trial : undefined,
    failed: isFailed(failed) ? failed : undefined,
  };
}

function isTrial(value: unknown): value is TrialRecord {
  return isRecord(value) && typeof value["version"] === "string" &&
    typeof value["from"] === "string" &&
    ["schema", "since", "starts"].every((name) => Number.isSafeInteger(value[name]));
}

function isFailed(value: unknown): value is FailedTrial {
  return isRecord(value) && typeof value["version"] === "string" &&
    typeof value["why"] === "string" && Number.isSafeInteger(value["at"]) &&
    typeof value["isTold"] === "boolean";
}

/**
 * Replaces the record. It is on the disk when this returns.
 *
 * @throws {Error} If the disk refuses.
 */
export function writeVersionRecord(dataDir: string, record: VersionRecord): void {
  const path = pathOf(dataDir);
  const part = `${path}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
    renameSync(part, path);
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
  if (process.platform === "win32") return; // Windows cannot open a folder
  const descriptor = openSync(dirname(path), "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
