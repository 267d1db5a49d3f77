/**
 * Opens a data directory for `barnacle send`, and decides which process sends the outbox.
 *
 * Two senders of one outbox would send every message twice. So the sender is the process that holds
 * the directory's lock: the bot, or else this command. If another `barnacle send` holds it, that
 * process sends its own message and exits. This process then takes the lock over, since no other one
 * would send the rest.
 *
 * @module
 */

import { join } from "node:path";
import { DATABASE_NAME, prepareDataDir } from "../../host/files/data_dir.ts";
import { acquireLock, type Lock, readHolder } from "../../host/locks/lock.ts";
import { openStore } from "../../store/store.ts";
import { EXIT } from "../shared/exit_code.ts";
import { lockOf } from "../shared/running_bot.ts";
import { StartError } from "../shared/start_error.ts";
import { openBeside, reportRefusedRecord } from "../shared/store_access.ts";
import type { Store } from "../../core/store/store.ts";

/** An open data directory. */
export interface DataDirectory {
  /** The open store. */
  readonly store: Store;
  /** The sender of the outbox: this process, the bot, or another `barnacle send`. */
  sender(): "us" | "bot" | "another";
  /**
   * Takes the lock over once another `barnacle send` has exited.
   *
   * @returns Whether this process is the sender now.
   */
  takeOver(): Promise<boolean>;
  /** Closes the store and releases the lock. */
  close(): void;
}

/**
 * Opens the directory, and takes its lock if it is free.
 *
 * @throws {StartError} If a bot is just starting, or the data are of another version.
 */
export async function openDataDirectory(dataDir: string): Promise<DataDirectory> {
  prepareDataDir(dataDir);
  const path = lockOf(dataDir);
  let lock = await takeForSend(path);
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
  if (!store) {
    throw new StartError(`a bot is just starting in ${dataDir}; try again`, EXIT.tryAgain);
  }

  function release(): void {
    if (lock.kind === "held") lock.release();
  }

  function sender(): ReturnType<DataDirectory["sender"]> {
    if (lock.kind === "held") return "us";
    return readHolder(path)?.isCommand ? "another" : "bot";
  }

  return {
    store,
    sender,
    async takeOver() {
      if (sender() === "another") lock = await takeForSend(path);
      return lock.kind === "held";
    },
    close() {
      store.close();
      release();
    },
  };
}

function takeForSend(path: string): Promise<Lock> {
  return acquireLock(path, Date.now(), undefined, { isCommand: true });
}
