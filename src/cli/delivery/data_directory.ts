/**
 * A data directory as `barnacle send` finds it: its store, and who empties the
 * outbox in it.
 *
 * Two that empty one outbox would send everything twice, so it is whoever has
 * the lock of the directory: the bot, or else the command itself. Where another
 * such command has it, that one sends what it came for and is gone; then the
 * lock is taken over, for nobody else would send the rest.
 *
 * @module
 */

import { join } from "node:path";
import { DATABASE_NAME, prepareDataDir } from "../../host/files/data_dir.ts";
import { type Lock, readHolder, takeLock } from "../../host/locks/lock.ts";
import { openStore, type Store } from "../../store/store.ts";
import { EXIT } from "../shared/exit_code.ts";
import { lockOf } from "../shared/running_bot.ts";
import { StartError } from "../shared/start_error.ts";
import { openBeside, reportRefusedRecord } from "../shared/store_access.ts";

export interface DataDirectory {
  readonly store: Store;
  /** Who sends what is in the outbox: this process, the bot, or another that sends as this one. */
  sender(): "us" | "bot" | "another";
  /** Takes the place of another that is gone. @returns Whether this process sends from now on. */
  takeOver(): Promise<boolean>;
  /** Lets the next one in. */
  close(): void;
}

/** @throws {StartError} If a bot is just starting, or one of another version has the data. */
export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  prepareDataDir(dataDir);
  const path = lockOf(dataDir);
  let lock = await takeAsErrand(path);
  let store: Store | undefined;
  try {
    store = lock.kind === "held"
      ? openStore(join(dataDir, DATABASE_NAME), {
        now: Date.now(),
        elapsed: () => performance.now(),
        onRefused: reportRefusedRecord,
      })
      : openBeside(dataDir);
  } catch (error) {
    release();
    throw error;
  }
  if (!store) throw new StartError(`A Barnacle is just starting in ${dataDir}`, EXIT.tryAgain);

  function release(): void {
    if (lock.kind === "held") lock.release();
  }

  function sender(): ReturnType<DataDirectory["sender"]> {
    if (lock.kind === "held") return "us";
    return readHolder(path)?.isErrand ? "another" : "bot";
  }

  return {
    store,
    sender,
    async takeOver() {
      if (sender() === "another") lock = await takeAsErrand(path);
      return lock.kind === "held";
    },
    close() {
      store.close();
      release();
    },
  };
}

function takeAsErrand(path: string): Promise<Lock> {
  return takeLock(path, Date.now(), undefined, { isErrand: true });
}
