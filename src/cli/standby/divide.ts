/**
 * Moves the store of a whole bot into the partitions of a database (O16).
 *
 * The store is divided into one file for each partition first. Each file goes to PostgreSQL as a start
 * of its owner would send it. So an interrupted move goes on, and no start takes a part for the whole.
 */

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DATABASE_NAME, MAIN_NAME, PARTITIONS_NAME } from "../../host/files/data_dir.ts";
import type { Partition } from "../../core/discord/partition.ts";
import type { Log } from "../../lib/log.ts";
import { syncDirectory } from "../../store/database/database_files.ts";
import { dividePart } from "../../store/divide/divide.ts";
import { lackingPages } from "../../store/replica/copy.ts";
import { readSharedRecord } from "../../store/replica/record.ts";
import { createRemote } from "../../store/replica/remote.ts";
import { asRemoteError, RemoteError } from "../../store/replica/remote_error.ts";
import { openStore } from "../../store/store.ts";
import { VERSION } from "../../version.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { assertCurrent, reportRefusedRecord } from "../shared/store_access.ts";
import { joinSharedStore, placeOf, type SharedStore } from "./join.ts";
import { ownedElsewhere, startErrorOf } from "./refuse.ts";

/** The name of the old store afterwards: a start with partitions refuses one with its usual name. */
export const UNDIVIDED_NAME: string = `${DATABASE_NAME}.undivided`;

/** Everything that the move needs. */
export interface DivideOptions {
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

/**
 * Moves the store; the old file stays, with another name.
 *
 * @returns Number of rows of all partitions.
 * @throws {StartError | StoreError} If the store must not be moved, a row or page differs, or the disk or
 * PostgreSQL fails. The next call goes on.
 */
export async function moveDivided(options: DivideOptions): Promise<number> {
  const { dataDir, partitions } = options;
  const path = join(dataDir, DATABASE_NAME);
  assertDividable(dataDir);
  await assertFree(options);
  const store = openFile(path);
  store.catchUp();
  store.close();
  const folders = Array.from({ length: partitions }, (_, index) => {
    const folder = join(dataDir, PARTITIONS_NAME, `${index}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  });
  const rows = folders.map((folder, index) =>
    dividePart(path, join(folder, DATABASE_NAME), { index, count: partitions }, Date.now())
  );
  await send(options, folders);
  renameSync(path, join(dataDir, UNDIVIDED_NAME));
  syncDirectory(dataDir);
  return rows.reduce((sum, count) => sum + count, 0);
}

function openFile(path: string, partition?: Partition) {
  return openStore(path, {
    now: Date.now(),
    elapsed: () => performance.now(),
    onRefused: reportRefusedRecord,
    ...(partition !== undefined && { partition }),
  });
}

/** Refuses a directory whose file is not the store, or that has partitions of its own. */
function assertDividable(dataDir: string): void {
  const refuse = (problem: string) => new StartError(problem, EXIT.config);
  if (existsSync(join(dataDir, PARTITIONS_NAME, MAIN_NAME))) {
    throw refuse(
      `${dataDir} has a bot with partitions already; choose another directory with --data`,
    );
  }
  if (!existsSync(join(dataDir, DATABASE_NAME))) {
    throw new StartError(
      `there is no store in ${dataDir}; name its directory with --data`,
      EXIT.tryAgain,
    );
  }
  if (readSharedRecord(dataDir)) {
    throw refuse(
      `the file in ${dataDir} is a copy of a store in PostgreSQL. Bring that store back first: ` +
        "barnacle store move --to sqlite, without store.partitions in the config",
    );
  }
  assertCurrent(dataDir);
}

/** Refuses a database that another process uses. */
async function assertFree({ url, bots, partitions, dataDir }: DivideOptions): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const remote = createRemote(url, { bots, partition, partitions });
    try {
      const { state } = await remote.inspect();
      if (state && !state.isFree && state.place !== placeOf(dataDir)) {
        throw ownedElsewhere(state.place);
      }
    } catch (error) {
      if (error instanceof StartError) throw error;
      // The tables may have another number of partitions, which the move itself judges.
      const problem = asRemoteError(error);
      if (problem.kind !== "unusable") throw startErrorOf(problem);
    } finally {
      await remote.close();
    }
  }
}

/** Sends all files, and compares both copies of each before any lease ends. */
async function send(options: DivideOptions, folders: readonly string[]): Promise<void> {
  const { url, bots, partitions } = options;
  const remote = createRemote(url, { bots, partitions, isMove: true });
  // All at once, so that no other process takes a partition that waits.
  const joined = await Promise.allSettled(
    folders.map((folder, partition) => joinPartition(options, folder, partition)),
  );
  try {
    for (const one of joined) if (one.status === "rejected") throw one.reason;
    for (const [partition, folder] of folders.entries()) {
      await compare(join(folder, DATABASE_NAME), { url, partition, partitions });
    }
    await remote.finishMove();
  } catch (error) {
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  } finally {
    await Promise.all(
      joined.map((one) => one.status === "fulfilled" ? one.value.close() : undefined),
    );
    await remote.close();
  }
}

async function joinPartition(
  { url, dataDir, bots, partitions, log }: DivideOptions,
  folder: string,
  partition: number,
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
    isMove: true,
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

async function compare(
  path: string,
  { url, partition, partitions }: {
    readonly url: string;
    readonly partition: number;
    readonly partitions: number;
  },
): Promise<void> {
  const remote = createRemote(url, { partition, partitions });
  try {
    const { pageCount } = await remote.look();
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
