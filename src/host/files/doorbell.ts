/**
 * A file beside the database, by which a command tells the bot that it has written to the store.
 *
 * A byte of it is written after a commit, and the kernel tells the bot. A command that dies between
 * the two rings no bell, so the bot looks at the store now and then all the same.
 *
 * @module
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileEvents } from "./file_events.ts";

const NAME = "doorbell";

/** Tells the bot that runs on this data directory, if there is one. */
export function ringDoorbell(dataDir: string): void {
  try {
    const descriptor = openSync(join(dataDir, NAME), "r+");
    try {
      writeSync(descriptor, "!", 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // No bot has ever run here, or the disk is full: the bot finds it by its slow look.
  }
}

/**
 * Listens for the bell, which is made where it is not there.
 *
 * @returns What ends it; `undefined` where nothing can be heard here.
 */
export function hearDoorbell(dataDir: string, onRing: () => void): (() => void) | undefined {
  try {
    closeSync(openSync(join(dataDir, NAME), "a", 0o600));
  } catch {
    return undefined; // a full disk; the store says so itself
  }
  return fileEvents(join(dataDir, NAME), onRing);
}
