/** Judges the disk of the data directory, for the running bot and for `barnacle doctor` (O3, O12). */

import type { Finding } from "../../core/finding.ts";
import { sizeOf } from "../../lib/text/units.ts";

/** Free bytes below which the store may soon fail to write. */
const LOW_SPACE = 268_435_456;
const NO_SPACE = 20_000_000;

export interface DiskFacts {
  readonly path: string;
  /** Absent: unknown. */
  readonly freeBytes?: number;
  /** Its file system, if other machines have it, too: `"NFS"`. */
  readonly network?: string;
}

/** Every check of the disk. */
export function judgeDisk(facts: DiskFacts): readonly Finding[] {
  return [space(facts), ...fileSystem(facts)];
}

function space({ path: where, freeBytes }: DiskFacts): Finding {
  const about = { id: "host.data", what: "Data directory", where };
  if (freeBytes === undefined) {
    return { ...about, status: "skipped", why: "its disk tells no room" };
  }
  const why = `${sizeOf(freeBytes)} are free`;
  if (freeBytes >= LOW_SPACE) return { ...about, status: "pass", why };
  return {
    ...about,
    status: freeBytes < NO_SPACE ? "fail" : "warn",
    why,
    fix:
      "free some space on that disk, lower `store.retention`, or choose another directory with " +
      "--data: with a full disk, no message is answered",
  };
}

function fileSystem({ path: where, network }: DiskFacts): readonly Finding[] {
  if (network === undefined) return [];
  return [{
    id: "host.fileSystem",
    what: "File system",
    status: "warn",
    where,
    why:
      `the data directory is on a network file system (${network}), and a database cannot trust its locks and writes`,
    fix: "choose a directory on a disk of this machine with --data; backups may go to the network",
  }];
}
