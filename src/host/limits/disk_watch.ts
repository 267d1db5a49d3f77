/**
 * Watches how much a program writes to folders of the disk.
 *
 * The free room of the disk costs one call to read, and says whether adding up the files is worth it.
 * Other programs change that room, too, so only the files decide, as long as they can be counted.
 */

import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";

/** Maximum number of files to add up. */
const MAX_FILES = 20_000;
/**
 * Bytes that the disk must lose until the files are added up again, and that a program may add to a
 * folder that is too large already: whether another program wrote meanwhile decides nothing.
 */
const STEP_BYTES = 16 * 1024 * 1024;
/** Looks after which the files are added up in any case, because others may have freed room. */
const LOOKS = 50;
/** Room that stays for Barnacle's own data. */
const RESERVE_BYTES = 128 * 1024 * 1024;
/** Number of new files, on a disk that counts them. */
const MAX_NEW_FILES = 200_000;
/** Bytes of a block of `lstat`. */
const BLOCK = 512;

/** Creates a watch, whose first look tells the state before the program. */
export function createDiskWatch(folder: string, diskBytes: number) {
  let first: Promise<DiskRoom | undefined> | undefined;
  let firstFiles: Promise<number | undefined> | undefined;
  let counted: number | undefined;
  let looks = 0;
  const begin = () => {
    firstFiles ??= bytesIn(folder);
    return first ??= roomOf(folder);
  };
  void begin();
  return {
    /** Whether the folders have passed their limit, or the disk is nearly full by this program. */
    async isPassed(): Promise<boolean> {
      const before = await begin();
      const now = await roomOf(folder);
      if (!before || !now) return false;
      // Room that others free must not hide what the program writes next.
      counted = Math.max(counted ?? before.bytes, now.bytes);
      looks += 1;
      const lost = before.bytes - now.bytes;
      if (before.files - now.files > MAX_NEW_FILES) return true;
      if (now.bytes < RESERVE_BYTES && lost > STEP_BYTES) return true;
      if (counted - now.bytes < STEP_BYTES && looks % LOOKS !== 0) return false;
      counted = now.bytes;
      const [filesBefore, files] = [await firstFiles, await bytesIn(folder)];
      // Too many files to add them up: the disk tells how much the program took.
      if (filesBefore === undefined || files === undefined) return lost > diskBytes;
      return files > diskBytes && files - filesBefore >= STEP_BYTES;
    },
  };
}

interface DiskRoom {
  readonly bytes: number;
  readonly files: number;
}

async function roomOf(folder: string): Promise<DiskRoom | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && { bytes: found.bavail * found.bsize, files: found.ffree };
}

/** The room that the files of a folder take; `undefined` if there are too many. */
async function bytesIn(folder: string): Promise<number | undefined> {
  let bytes = 0;
  let files = 0;
  const open = [folder];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    files += entries.length;
    if (files > MAX_FILES) return undefined;
    for (const entry of entries) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) open.push(child);
      const found = await lstat(child).catch(() => undefined);
      bytes += (found?.blocks ?? 0) * BLOCK;
    }
  }
  return bytes;
}
