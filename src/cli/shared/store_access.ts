/**
 * Opens the store for commands, beside a bot that may be running.
 *
 * SQLite lets several processes write. But a command of a newer version must not migrate the file
 * under a running bot of an older one.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DATABASE_NAME, findDataDir } from "../../host/files/data_dir.ts";
import { writeWakeFile } from "../../host/files/watch_path.ts";
import { isCurrent } from "../../store/database/database.ts";
import { openStore } from "../../store/store.ts";
import { EXIT } from "./exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { StartError } from "./start_error.ts";
import type { Store } from "../../core/store/store.ts";

/** Whether the user names the data directory, or the service manager does. */
export function isDataNamed(flag: string | undefined, { env }: Pick<Io, "env">): boolean {
  return Boolean(flag || env["BARNACLE_DATA"] || env["STATE_DIRECTORY"]);
}

/** Path of the data directory; creates nothing. */
export function dataDirOf(flag: string | undefined, { env }: Pick<Io, "env">): string {
  return findDataDir({ env, home: homedir(), flag });
}

/**
 * Opens an existing store without migrating it.
 *
 * @returns `undefined` if there is no store yet.
 * @throws {StartError} If its schema is of another version, whose bot may be using it.
 * @throws {StoreError} As `openStore` does.
 */
export function openBeside(dataDir: string): Store | undefined {
  const path = join(dataDir, DATABASE_NAME);
  if (!existsSync(path)) return undefined;
  if (!isCurrent(path)) {
    throw new StartError(
      `the data in ${dataDir} are of another version; use the command of that version, or start ` +
        "the bot of this one first",
      EXIT.tryAgain,
    );
  }
  return openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
    onCommitted: () => writeWakeFile(dataDir),
    onRefused: reportRefusedRecord,
  });
}

/** Reports on stderr that a record stays in the store's journal, because the tables reject it. */
export function reportRefusedRecord(kind: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `barnacle: cannot apply a record of the store's journal (${kind}): ${reason}. It stays in the ` +
      "journal. Please report this.\n",
  );
}
