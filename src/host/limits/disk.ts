/** Reads facts of the disk that has the data directory. */

import { existsSync } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";

/** Linux's numbers of file systems that another machine may change or lose (`statfs(2)`). */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "SMB",
  0xfe534d42: "SMB",
  0x01021997: "9P",
  0x00c36400: "Ceph",
};

/** The facts, of the nearest folder that exists; some file systems do not tell them. */
export async function readDisk(path: string): Promise<{
  readonly path: string;
  readonly freeBytes: number | undefined;
  readonly network: string | undefined;
}> {
  const found = await inTime(statfs(nearestOf(path)));
  return {
    path,
    freeBytes: found && found.bavail * found.bsize,
    network: process.platform === "linux" && found ? NETWORK[found.type] : undefined,
  };
}

/** The directory, or its nearest parent that exists. */
export function nearestOf(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestOf(dirname(path));
}

/** Whether a file is there; `false` too if its disk does not answer. */
export async function isThere(path: string): Promise<boolean> {
  return await inTime(access(path).then(() => true)) ?? false;
}

/** Milliseconds after which a disk, such as one of an absent server, counts as not answering. */
const PATIENCE_MS = 2_000;

async function inTime<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  return await Promise.race([asked.catch(() => undefined), late]).finally(() =>
    clearTimeout(timer)
  );
}
