/** Takes all partitions of a store at once, and compares their files with PostgreSQL (O16). */

import { join } from "node:path";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { DATABASE_NAME, PARTITIONS_NAME } from "../../host/files/data_dir.ts";
import type { Partition } from "../../core/discord/partition.ts";
import type { Store } from "../../core/store/store.ts";
import type { Log } from "../../lib/log.ts";
import type { Follower } from "../../store/database/durability.ts";
import { lackingPages } from "../../store/replica/copy.ts";
import { createRemote, type MoveWay } from "../../store/replica/remote.ts";
import { RemoteError } from "../../store/replica/remote_error.ts";
import { openStore } from "../../store/store.ts";
import { VERSION } from "../../version.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { reportRefusedRecord } from "../shared/store_access.ts";
import { joinSharedStore, placeOf, type SharedStore } from "../standby/join.ts";
import { ownedElsewhere, startErrorOf } from "../standby/refuse.ts";

/** Everything that the move of a store with partitions needs. */
export interface PartsOptions {
  /** Address of the database. */
  readonly url: string;
  /** The data directory, whose lock the caller holds. */
  readonly dataDir: string;
  /** Marks of the config's bots. */
  readonly bots: readonly string[];
  /** Number of partitions, from 2. */
  readonly partitions: number;
  readonly log: Log;
}

/** The folders of all partitions, in their order; creates those that are lacking. */
export function partFolders({ dataDir, partitions }: PartsOptions): readonly string[] {
  return Array.from({ length: partitions }, (_, index) => {
    const folder = join(dataDir, PARTITIONS_NAME, `${index}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  });
}

/** Opens a store, of a partition or of the whole bot. */
export function openFile(path: string, partition?: Partition, follower?: Follower): Store {
  return openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
    onRefused: reportRefusedRecord,
    ...(partition !== undefined && { partition }),
    ...(follower !== undefined && { follower }),
  });
}

/**
 * Takes the leases of all partitions, makes files and copies equal, and runs the work.
 *
 * @throws {StartError} If another process has one of them.
 */
export async function withParts(
  options: PartsOptions,
  folders: readonly string[],
  move: MoveWay,
  work: (parts: readonly SharedStore[]) => Promise<void>,
): Promise<void> {
  // All at once, so that no other process takes a partition that waits.
  const taken = await Promise.allSettled(
    folders.map((folder, partition) => takePart(options, folder, partition, move)),
  );
  const parts = taken.flatMap((one) => one.status === "fulfilled" ? one.value : []);
  try {
    for (const one of taken) if (one.status === "rejected") throw one.reason;
    await work(parts);
  } catch (error) {
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  } finally {
    await Promise.all(parts.map((one) => one.close()));
  }
}

async function takePart(
  { url, dataDir, bots, partitions, log }: PartsOptions,
  folder: string,
  partition: number,
  move: MoveWay,
): Promise<SharedStore> {
  let waits = 0;
  const shared = await joinSharedStore({
    url,
    dataDir: folder,
    place: placeOf(dataDir),
    bots,
    version: VERSION,
    log,
    partition,
    partitions,
    move,
    signal: new AbortController().signal,
    openStore: () => openFile(join(folder, DATABASE_NAME), { index: partition, count: partitions }),
    // The first call comes before a copy begins.
    onStandby({ shared: { owner, problem } }) {
      if (problem !== undefined) throw startErrorOf(new RemoteError("unreachable", problem));
      if (waits++ > 0) throw ownedElsewhere(owner);
      return Promise.resolve();
    },
    onLost: (code) => process.exit(code),
  });
  if (shared) return shared;
  throw new StartError("the move was ended", EXIT.tryAgain);
}

/** Compares the files of all partitions with PostgreSQL. */
export async function compareParts(
  { url, partitions }: PartsOptions,
  folders: readonly string[],
): Promise<void> {
  for (const [partition, folder] of folders.entries()) {
    const remote = createRemote(url, { partition, partitions });
    try {
      const { pageCount } = await remote.look();
      const path = join(folder, DATABASE_NAME);
      for await (const { pages } of lackingPages(path, remote, pageCount)) {
        throw new StartError(
          `both copies of partition ${partition} differ in ${pages.size} pages; use the command again`,
          EXIT.failed,
        );
      }
    } finally {
      await remote.close();
    }
  }
}
