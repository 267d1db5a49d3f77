/** Finds out whether the disk has room, before a large file is written. */

import { statfs } from "node:fs/promises";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { sizeOf } from "../../lib/text/units.ts";

/** Room that stays for the bot's own work. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/**
 * Refuses work for which a folder's disk has no room.
 *
 * @throws {StartError} If there is too little.
 */
export async function assertRoom(folder: string, bytes: number): Promise<void> {
  const about = await statfs(folder).catch(() => undefined); // a disk that does not tell
  if (!about) return;
  const free = about.bavail * about.bsize;
  const needed = bytes + RESERVE_BYTES;
  if (free >= needed) return;
  throw new StartError(
    `too little room in ${folder}: ${sizeOf(needed)} are needed, and ${sizeOf(free)} are free; ` +
      "nothing was written",
    EXIT.io,
  );
}
