/**
 * Notifies the bot that a command has written to the store, through a file beside the database.
 *
 * The command writes a byte to the file after a commit, and the kernel notifies the bot. A command
 * that dies in between notifies no one, so the bot also checks the store now and then.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileEvents } from "./file_events.ts";

/** The name on the disk. */
const NAME = "doorbell";

/** Notifies the bot that runs on this data directory, if there is one. */
export function writeWakeFile(dataDir: string): void {
  try {
    const descriptor = openSync(join(dataDir, NAME), "r+");
    try {
      writeSync(descriptor, "!", 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // No bot has ever run here, or the disk is full: the bot's slow check finds the change.
  }
}

/**
 * Listens for notifications, and creates the file if it is missing.
 *
 * @returns Stops listening; `undefined` if the system sends no file events here, or something else is
 * in the file's place. Deno would wait for the other end of a pipe.
 */
export function watchWakeFile(dataDir: string, onWake: () => void): (() => void) | undefined {
  try {
    // For reading, too: an open for writing alone would wait for the other end of a pipe.
    const descriptor = openSync(join(dataDir, NAME), constants.O_RDWR | constants.O_CREAT, 0o600);
    const isFile = fstatSync(descriptor).isFile();
    closeSync(descriptor);
    if (!isFile) return undefined;
  } catch {
    return undefined; // the disk is full, which the store reports
  }
  return fileEvents(join(dataDir, NAME), onWake);
}
