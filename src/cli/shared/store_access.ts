/**
 * The store, for commands that come and go beside a bot that may be running.
 *
 * SQLite lets several processes write. What must not happen is that a command of
 * a newer Barnacle migrates the file under a bot of an older one.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DATABASE_NAME, findDataDir } from "../../host/files/data_dir.ts";
import { ringDoorbell } from "../../host/files/doorbell.ts";
import { isCurrent } from "../../store/database/database.ts";
import { openStore, type Store } from "../../store/store.ts";
import { EXIT } from "./exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { StartError } from "./start_error.ts";

/** Where the data are; nothing is made. */
export function dataDirOf(flag: string | undefined, { env }: Pick<Io, "env">): string {
  return findDataDir({ env, home: homedir(), ...(flag !== undefined && { flag }) });
}

/**
 * Opens the store that is there, as it is.
 *
 * @returns `undefined` where there is none yet.
 * @throws {StartError} If its schema is not ours: a bot of another version may be using it.
 * @throws {StoreError} As `openStore` does.
 */
export function openBeside(dataDir: string): Store | undefined {
  const path = join(dataDir, DATABASE_NAME);
  if (!existsSync(path)) return undefined;
  if (!isCurrent(path)) {
    throw new StartError(
      `The data in ${dataDir} are of another version of Barnacle; run the command of the one that ` +
        "runs there, or start this one first",
      EXIT.tryAgain,
    );
  }
  return openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
    onCommitted: () => ringDoorbell(dataDir),
    onRefused: reportRefusedRecord,
  });
}

/** Says on stderr that a record of the store's journal was kept, because the tables refused it. */
export function reportRefusedRecord(kind: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `barnacle: a record of the store's journal (${kind}) cannot be applied and is kept: ${reason}. ` +
      "Please report this.\n",
  );
}
