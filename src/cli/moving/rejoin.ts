/**
 * Moves the partitions of a database into one file: the store of a whole bot (O16).
 *
 * The partitions are copied here as a start copies them, and exchange the changes of their shared rows
 * first. Then PostgreSQL gets a mark, with which no other process takes a lease: joining large files takes
 * longer than a lease lasts. An interrupted move goes on with the next call.
 */

import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { SILENT_MS } from "../../core/shared_store.ts";
import type { Store } from "../../core/store/store.ts";
import { forgetKept } from "../../files/place_record.ts";
import { DATABASE_NAME, forgetPartitions, PARTITIONS_NAME } from "../../host/files/data_dir.ts";
import { syncDirectory } from "../../store/database/database_files.ts";
import { joinParts } from "../../store/divide/join_parts.ts";
import { removeDatabase } from "../../store/divide/tables.ts";
import { createArrivals } from "../../store/replica/arrivals.ts";
import { readSharedRecord } from "../../store/replica/record.ts";
import { createRemote, type Remote } from "../../store/replica/remote.ts";
import { asRemoteError, RemoteError } from "../../store/replica/remote_error.ts";
import { endReturned, markReturned } from "../../store/replica/tables.ts";
import { PAGE_BYTES } from "../../store/replica/wal.ts";
import { assertRoom } from "../backup/room.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { createExchange } from "../standby/exchange.ts";
import { placeOf } from "../standby/join.ts";
import { ownedElsewhere, startErrorOf } from "../standby/refuse.ts";
import { compareParts, openFile, partFolders, type PartsOptions, withParts } from "./parts.ts";

/** The new file until it is whole. */
const JOINING_NAME = `${DATABASE_NAME}.joining`;

/** The new file needs as much room as all partitions, and a part for the new numbers of rows. */
const ROOM_OF_JOINED = 1.3;

/**
 * Moves the store. The database keeps its copy, with a mark that no start passes.
 *
 * @returns Number of rows of the new file.
 * @throws {StartError | StoreError} If the store must not be moved, a row or page differs, or the disk or
 * PostgreSQL fails. Processes can use the database again then, and the next call goes on.
 */
export async function moveJoined(options: PartsOptions): Promise<number> {
  const { url, dataDir, bots, partitions } = options;
  assertEmpty(dataDir);
  const remote = createRemote(url, { bots, partitions, move: "back" });
  try {
    await assertWhole(remote, options);
    const folders = partFolders(options);
    await withParts(options, folders, "back", async (parts) => {
      const stores: Store[] = [];
      try {
        for (const [index, part] of parts.entries()) {
          const path = join(folders[index] ?? "", DATABASE_NAME);
          stores.push(openFile(path, { index, count: partitions }, part));
        }
        await exchangeAll(remote, stores, dataDir);
      } finally {
        for (const store of stores) store.close();
      }
      await remote.use(markReturned);
    });
    return await joinMarked(options, remote, folders);
  } catch (error) {
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  } finally {
    await remote.close();
  }
}

/** Joins the files while no process can use the database; if it fails, all can use it again. */
async function joinMarked(
  options: PartsOptions,
  remote: Remote,
  folders: readonly string[],
): Promise<number> {
  const { dataDir } = options;
  const path = join(dataDir, JOINING_NAME);
  let rows: number;
  try {
    await assertAlone(remote, options); // a process may have started before the mark
    await compareParts(options, folders);
    const from = folders.map((folder) => join(folder, DATABASE_NAME));
    rows = joinParts(from, path, Date.now());
    await takeEvents(remote, path);
    if (existsSync(`${path}-wal`)) {
      throw new StartError(
        `the log of ${path} cannot be emptied; free space, and try again`,
        EXIT.io,
      );
    }
  } catch (error) {
    removeDatabase(path); // it has people's words, and takes the room of a full disk
    await remote.use((sql) => endReturned(sql, false)).catch(() => {}); // the cause counts; the next call removes the mark
    throw error;
  }
  forgetPartitions(dataDir);
  // PostgreSQL has the same. Later, an interruption would leave people's words where `forget` does not reach.
  rmSync(join(dataDir, PARTITIONS_NAME), { recursive: true, force: true });
  renameSync(path, join(dataDir, DATABASE_NAME));
  syncDirectory(dataDir);
  // From now on, no failing call of another machine opens the database again.
  await remote.use((sql) => endReturned(sql, true)).catch(() => {}); // the file here is the store in any case
  return rows;
}

/** Refuses a directory with a store, or with a copy of one that has no partitions. */
function assertEmpty(dataDir: string): void {
  if (!existsSync(join(dataDir, DATABASE_NAME)) && !readSharedRecord(dataDir)) return;
  throw new StartError(
    `${dataDir} has a store of its own; name an empty directory, or that of a process of this bot, ` +
      "with --data",
    EXIT.config,
  );
}

/** Refuses a database that lacks partitions, is in use, or is too large for this disk. */
async function assertWhole(remote: Remote, options: PartsOptions): Promise<void> {
  const { dataDir, partitions } = options;
  const { states = [] } = await remote.inspect();
  if (!states.some(({ pageCount }) => pageCount > 0)) {
    throw new StartError(
      "the database of store.url has no store; correct store.url, or name the data directory of the " +
        "bot with --data: its store is there",
      EXIT.config,
    );
  }
  await remote.open(); // refuses another number of partitions, and a store that is being moved there
  await assertAlone(remote, options);
  const lacking = states.filter(({ pageCount }) => pageCount === 0);
  if (lacking.length > 0) {
    throw new StartError(
      `the database of store.url lacks the partitions ${
        lacking.map(({ partition }) => partition).join(", ")
      } of ${partitions}: start the bot until it has all of them, stop it, and try again`,
      EXIT.config,
    );
  }
  const bytes = states.reduce((sum, { pageCount }) => sum + pageCount * PAGE_BYTES, 0);
  const here = states.reduce(
    (sum, { partition }) => sum + sizeOf(join(dataDir, PARTITIONS_NAME, `${partition}`)),
    0,
  );
  await assertRoom(dataDir, Math.max(0, bytes - here) + ROOM_OF_JOINED * bytes);
}

/** Bytes of a partition's file here, or of its copy. */
function sizeOf(folder: string): number {
  const sizes = [DATABASE_NAME, "standby.db"].map((name) =>
    statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  );
  return Math.max(...sizes);
}

/** Refuses while another process has a partition, or would take one, or events of hooks for it. */
async function assertAlone(
  remote: Pick<Remote, "inspect">,
  { dataDir }: PartsOptions,
): Promise<void> {
  const place = placeOf(dataDir);
  const { states = [], members = [] } = await remote.inspect().catch((error: unknown) => {
    throw startErrorOf(asRemoteError(error));
  });
  const owned = states.find((state) => !state.isFree && state.place !== place);
  if (owned) throw ownedElsewhere(owned.place);
  const other = members.find((member) => member.place !== place);
  if (!other) return;
  throw new StartError(
    `a process of this bot runs at ${other.place}, and would take over; stop it, and try again ` +
      `${SILENT_MS / 1_000} s later`,
    EXIT.tryAgain,
  );
}

/** Lets all partitions take the changes of shared rows of all others, and forget the same people. */
async function exchangeAll(
  remote: Remote,
  stores: readonly Store[],
  dataDir: string,
): Promise<void> {
  const all = stores.map((store, index) =>
    createExchange(index, remote, store, {
      wake() {},
      onApplied() {},
      onForgotten: (userId) => forgetKept(dataDir, userId),
    }, () => performance.now())
  );
  let before = "";
  for (let isStuck = false;;) {
    for (const exchange of all) await exchange.run(Infinity);
    const positions = await Promise.all(
      stores.map(({ sharedRows }) => sharedRows?.position()),
    );
    const waiting = await Promise.all(stores.map(({ sharedRows }) => sharedRows?.isWaiting()));
    if (!waiting.includes(true) && new Set(positions).size === 1) return;
    const now = positions.join();
    if (isStuck && now === before) {
      throw new StartError(
        "the partitions could not exchange their changes; start the bot, stop it, and try again",
        EXIT.tryAgain,
      );
    }
    isStuck = now === before;
    before = now;
  }
}

/** Stores the events of hooks that no partition has stored yet: their senders got a promise (W2). */
async function takeEvents(remote: Remote, path: string): Promise<void> {
  const rows = createArrivals(remote);
  const store = openFile(path);
  try {
    for (let after = 0;;) {
      const waiting = await rows.waitingAfter(after);
      const last = waiting.at(-1);
      if (!last) return;
      const events = waiting.map(({ event }) => event);
      const ids = await store.hooks.receive(events);
      if (ids.length < events.length) {
        throw new StartError(
          "too many events of a hook wait for one store; start the bot until it has answered them",
          EXIT.tryAgain,
        );
      }
      after = last.sequence;
    }
  } finally {
    store.close();
  }
}
