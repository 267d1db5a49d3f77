/** Checks the place of `files.url`, at the start of the bot and for `barnacle doctor` (O17). */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { bucketOf } from "../../bot/process/shared_files.ts";
import type { BotConfig } from "../../config/config.ts";
import { titled } from "../../core/checks.ts";
import { filesPlaceOf } from "../../core/files/place.ts";
import type { Finding } from "../../core/finding.ts";
import type { ObjectStore } from "../../files/bucket.ts";
import { BucketError } from "../../files/bucket_error.ts";
import {
  checkFolder,
  FILES_NAME,
  FilesFolderError,
  recordPlace,
} from "../../files/place_record.ts";
import { adoptKept } from "../../files/shared_media.ts";
import { MEDIA_NAME } from "../../host/files/data_dir.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";

/** The end of a sentence about a store that is away. */
const AWAY_FIX = "start it, or correct files.endpoint";

const clock = { now: () => Date.now() };

/**
 * Checks the place, and notes it in the data directory. A store that does not answer now is a warning:
 * the bot answers without files.
 *
 * @throws {StartError} If the place cannot be used as the config names it.
 */
export async function preparePlace(config: BotConfig, dataDir: string, log: Log): Promise<void> {
  const { files: { url } } = config;
  if (url === undefined) return void recordPlace(dataDir, undefined);
  if (filesPlaceOf({ url }).kind === "folder") {
    try {
      return checkFolder(url, dataDir);
    } catch (error) {
      if (!(error instanceof FilesFolderError)) throw error;
      const code = error.isAway ? EXIT.tryAgain : EXIT.config;
      throw new StartError(`cannot use files.url: ${error.message}`, code, error);
    }
  }
  try {
    await tryBucket(bucketOf(config, clock));
  } catch (error) {
    if (!(error instanceof BucketError)) throw error;
    if (error.kind !== "away" && error.kind !== "moved") {
      throw new StartError(`cannot use files.url: ${error.message}`, EXIT.config, error);
    }
    log.warn("The file store of files.url is away; tools cannot use workspaces until it is back", {
      error: error.message,
      hint: AWAY_FIX,
    });
  }
  // Files that were kept before the config named this bucket are sent to it.
  if (recordPlace(dataDir, { url }, true)) {
    await adoptKept(join(dataDir, MEDIA_NAME), join(dataDir, FILES_NAME));
  }
  recordPlace(dataDir, { url });
}

/**
 * Writes, reads and deletes an object.
 *
 * @throws {BucketError} If it cannot, if the store refuses a change by the object's own ETag, or if it
 * replaces an object in spite of a condition: then two processes could overwrite each other's files.
 */
async function tryBucket(bucket: ObjectStore): Promise<void> {
  const key = `checks/${randomUUID()}`;
  const bytes = new TextEncoder().encode("Barnacle checks whether it may write here.");
  const mark = await bucket.put(key, bytes); // no answer: nothing to delete, or no way to
  try {
    await bucket.put(key, bytes, { mark }).catch((error: unknown) => {
      isMoved(error); // it throws any other error
      throw new BucketError(
        "config",
        "the file store refuses a change by the ETag that it has just given, so no file could " +
          "change; use a store that knows If-Match for files.url",
      );
    });
    for (const condition of ["new", { mark: '"00000000000000000000000000000000"' }] as const) {
      const isKept = await bucket.put(key, bytes, condition).then(() => false, isMoved);
      if (isKept) continue;
      throw new BucketError(
        "config",
        "the file store ignores If-Match and If-None-Match, so processes would overwrite each " +
          "other's files; use a store that knows them for files.url",
      );
    }
    const found = await bucket.get(key, bytes.length);
    if (!found || found === "same") {
      throw new BucketError("config", "the file store lacks an object that it has just taken");
    }
    for await (const _page of bucket.list("checks/", 1)) { /* whether it may list */ }
  } finally {
    await bucket.remove(key).catch(() => {}); // the error above says more
  }
}

/** @throws {unknown} Any other error. */
function isMoved(error: unknown): boolean {
  if (error instanceof BucketError && error.kind === "moved") return true;
  throw error;
}

/** Looks at the place without a change; no row without `files.url`. */
export async function checkPlace(
  config: BotConfig,
  dataDir: string,
): Promise<readonly Finding[]> {
  const { files: { url } } = config;
  if (url === undefined) return [];
  const row = titled("host.files");
  const where = printable(url);
  try {
    if (filesPlaceOf({ url }).kind === "folder") checkFolder(url, dataDir, true);
    else {
      for await (const _page of bucketOf(config, clock).list("checks/", 1)) { /* it answers */ }
    }
    return [{ ...row, status: "pass", where, why: "it can be read" }];
  } catch (error) {
    if (!(error instanceof BucketError) && !(error instanceof FilesFolderError)) throw error;
    const [why = "", fix = AWAY_FIX] = error.message.split("; ");
    return [{ ...row, status: "fail", where, why, fix }];
  }
}
