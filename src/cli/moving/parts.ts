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
import { createCandidate } from "../standby/candidate.ts";
import { openTables, placeOf, type SharedStore } from "../standby/join.ts";
import { ownedElsewhere, startErrorOf } from "../standby/refuse.ts";

/** Everything that the move of a store with partitions needs. */
export interface PartsOptions {
  /** Address of the database. */
  readonly url: string;
  /** The data directory, whose lock the caller holds. */
  readonly dataDir: string;
  /** Marks of the config's bots. */
  readonly bots: readonly string[];
  /** Number of partitions; 1: the bot has one store. */
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
    folders.map((folder, partition) => takeOne(options, folder, partition, move)),
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

/**
 * Makes a file and its copy equal, and takes the lease.
 *
 * @throws {StartError} If another process has it, or PostgreSQL cannot be used.
 */
export async function takeOne(
  { url, dataDir, bots, partitions, log }: PartsOptions,
  folder: string,
  partition: number,
  move: MoveWay | undefined,
): Promise<SharedStore> {
  const remote = createRemote(url, { bots, partition, partitions, move });
  const candidate = createCandidate({
    url,
    index: partition,
    count: partitions,
    folder,
    place: placeOf(dataDir),
    bots,
    version: VERSION,
    log,
    move,
    openStore: (_folder, _follower, part) => openFile(join(folder, DATABASE_NAME), part),
    onWhole() {},
    onFailed() {},
    onLost: (code) => process.exit(code),
  });
  try {
    const state = await openTables({ bots, log }, remote);
    const shared = await candidate.takeNow(state);
    if (shared) return shared;
    throw ownedElsewhere(state.place);
  } catch (error) {
    await candidate.close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  } finally {
    await remote.close();
  }
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
