/**
 * Moves the store of a whole bot into the partitions of a database (O16).
 *
 * The store is divided into one file for each partition first. Each file goes to PostgreSQL as a start
 * of its owner would send it. So an interrupted move goes on, and no start takes a part for the whole.
 */

import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_NAME, MAIN_NAME, PARTITIONS_NAME } from "../../host/files/data_dir.ts";
import { syncDirectory } from "../../store/database/database_files.ts";
import { dividePart } from "../../store/divide/divide.ts";
import { readSharedRecord } from "../../store/replica/record.ts";
import { createRemote } from "../../store/replica/remote.ts";
import { asRemoteError } from "../../store/replica/remote_error.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { assertCurrent } from "../shared/store_access.ts";
import { placeOf } from "../standby/join.ts";
import { ownedElsewhere, startErrorOf } from "../standby/refuse.ts";
import { compareParts, openFile, partFolders, type PartsOptions, withParts } from "./parts.ts";

/** The name of the old store afterwards: a start with partitions refuses one with its usual name. */
export const UNDIVIDED_NAME: string = `${DATABASE_NAME}.undivided`;

/**
 * Moves the store; the old file stays, with another name.
 *
 * @returns Number of rows of all partitions.
 * @throws {StartError | StoreError} If the store must not be moved, a row or page differs, or the disk or
 * PostgreSQL fails. The next call goes on.
 */
export async function moveDivided(options: PartsOptions): Promise<number> {
  const { dataDir, partitions } = options;
  const path = join(dataDir, DATABASE_NAME);
  assertDividable(dataDir);
  await assertFree(options);
  const store = openFile(path);
  store.catchUp();
  store.close();
  const folders = partFolders(options);
  const rows = folders.map((folder, index) =>
    dividePart(path, join(folder, DATABASE_NAME), { index, count: partitions }, Date.now())
  );
  await send(options, folders);
  renameSync(path, join(dataDir, UNDIVIDED_NAME));
  syncDirectory(dataDir);
  return rows.reduce((sum, count) => sum + count, 0);
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
async function assertFree({ url, bots, partitions, dataDir }: PartsOptions): Promise<void> {
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
async function send(options: PartsOptions, folders: readonly string[]): Promise<void> {
  const { url, bots, partitions } = options;
  const remote = createRemote(url, { bots, partitions, move: "there" });
  try {
    await withParts(options, folders, "there", async () => {
      await compareParts(options, folders);
      await remote.finishMove();
    });
  } finally {
    await remote.close();
  }
}
