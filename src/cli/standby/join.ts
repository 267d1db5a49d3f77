/**
 * Makes this process the owner of a store in PostgreSQL (O15).
 *
 * The database in PostgreSQL is the truth. The file here is newer only if this data directory had the
 * lease last; then its start sends the difference. In any other case it becomes a copy.
 */

import { randomUUID } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SharedStoreState } from "../../core/shared_store.ts";
import type { Store } from "../../store/store.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { isCurrent } from "../../store/database/database.ts";
import { type Copy, COPY_NAME, lackingPages } from "../../store/replica/copy.ts";
import {
  createOwner,
  type LossReason,
  type Moment,
  type Owner,
} from "../../store/replica/owner.ts";
import { createOwnerReports } from "../../store/replica/owner_reports.ts";
import {
  readSharedRecord,
  type SharedRecord,
  writeSharedRecord,
} from "../../store/replica/record.ts";
import type { LeaseTaker, Remote, RemoteState, TakenLease } from "../../store/replica/remote.ts";
import { readMayLose } from "../../store/replica/tables.ts";
import { VERSION } from "../../version.ts";
import { EXIT, StartError } from "../shared/exit_code.ts";
import { clockProblem, MAY_LOSE, otherStore, SYNCHRONIZE, twinProblem } from "./refuse.ts";

/** How long a stop waits for PostgreSQL, and how often a hand-over looks for the next owner. */
const HAND_OVER_MS = 5_000;
const LOOK_MS = 100;

/** A data directory that belongs to a store in PostgreSQL. */
export interface Joined {
  readonly remote: Remote;
  readonly dataDir: string;
  readonly log: Log;
  /** The row of the store, as the start has found it. */
  readonly state: RemoteState;
  readonly record: SharedRecord;
  readonly taker: LeaseTaker;
}

/**
 * Checks PostgreSQL, creates its tables if there are none, and reads or creates the record of the data
 * directory.
 *
 * @param bots Marks of the bots of this process.
 * @throws {StartError | RemoteError} If this process must not use the store.
 */
export async function joinStore({ remote, dataDir, bots, log }: {
  readonly remote: Remote;
  readonly dataDir: string;
  readonly bots: readonly string[];
  readonly log: Log;
}): Promise<Joined> {
  const askedAt = Date.now();
  const state = await remote.open();
  const clock = clockProblem(state, askedAt, Date.now());
  if (clock !== undefined) throw new StartError(clock, EXIT.tryAgain);
  const twin = await remote.twin();
  if (twin !== undefined) throw twinProblem(twin, bots.length);
  if (await remote.use(readMayLose)) log.warn(`${MAY_LOSE}; ${SYNCHRONIZE}`);
  const record = recordOf(dataDir, state);
  const { owner, epoch: lastEpoch } = record;
  const taker = { owner, place: `${hostname()}:${dataDir}`, bots, lastEpoch };
  return { remote, dataDir, log, state, record, taker };
}

/**
 * Reads or creates the record of the data directory.
 *
 * @throws {StartError} If its data belong to another store.
 */
function recordOf(dataDir: string, { id, pageCount }: RemoteState): SharedRecord {
  const record = readSharedRecord(dataDir);
  const hasData = existsSync(join(dataDir, DATABASE_NAME));
  if (record?.store === id) return record;
  if (pageCount > 0 && hasData) throw otherStore(dataDir);
  if (record && !hasData) {
    throw new StartError(
      `${dataDir} has a copy of another store than the database of store.url. Correct store.url, ` +
        "or choose another directory with --data",
      EXIT.config,
    );
  }
  const fresh = { store: id, owner: record?.owner ?? randomUUID(), epoch: 0 };
  writeSharedRecord(dataDir, fresh);
  return fresh;
}

/** A lease that was just taken, with the copy of the store if another process had it before. */
export interface Won {
  readonly lease: TakenLease;
  readonly takenAt: Moment;
  /** Absent: the file here is the store. */
  readonly copy: Copy | undefined;
}

/** The store of this process, which follows each commit. */
export interface SharedStore extends Pick<Owner, "committed" | "confirmed" | "mayAct" | "leave"> {
  /** The state that all outputs show. */
  readonly state: () => SharedStoreState;
  /** Whether another data directory had the lease last: its process may still run, and hang. */
  readonly isTakenOver: boolean;
  readonly watch: ReturnType<typeof createOwnerReports>["watch"];
  /** Sends the rest and ends the lease. The store must be closed. */
  close(): Promise<void>;
}

/**
 * Makes this process the owner of a store whose lease it has just taken.
 *
 * @param openStore Opens the store, and creates or migrates it.
 * @param reporting A connection of its own for reports.
 * @throws {RemoteError | StartError} If the file or PostgreSQL fails; the lease has ended then.
 */
export async function ownStore(
  { remote, dataDir, log, record, taker: { place } }: Joined,
  { lease, takenAt, copy }: Won,
  openStore: () => Pick<Store, "close">,
  reporting: Remote,
): Promise<SharedStore> {
  const path = join(dataDir, DATABASE_NAME);
  const { pageCount: stored, epoch, since } = lease;
  // At once, or the next start takes a file that is newer than PostgreSQL for an old copy. But until
  // PostgreSQL has a first copy, the file here stays the only store.
  const own: SharedRecord = { store: record.store, owner: record.owner, epoch, since };
  if (stored > 0) writeSharedRecord(dataDir, own);
  const owner = createOwner({
    remote,
    lease,
    takenAt,
    moment,
    schedule,
    onLost(why) {
      log.error(LOSSES[why]);
      process.exit(EXIT.tryAgain);
    },
    onTrouble(error) {
      if (error) {
        log.warn("PostgreSQL does not take the store's changes; answers wait until it does", {
          error: error.message,
        });
      } else log.info("PostgreSQL has the store's changes again");
    },
  });
  let first: RemoteState;
  try {
    first = await remote.look();
    if (copy) await becomeStore(copy, path, lease);
    // A copy is equal to PostgreSQL. Comparing all of a large store would take seconds. A
    // migration writes before anything follows the log, so its pages are found by comparing.
    if (!copy || !isCurrent(path)) {
      openStore().close(); // the file alone has everything then
      if (existsSync(`${path}-wal`)) {
        throw new StartError(
          `another program reads ${path}, so its log cannot be emptied; end it, and start again`,
          EXIT.io,
        );
      }
      for await (const lacking of lackingPages(path, remote, stored)) await owner.store(lacking);
    }
    if (stored === 0) writeSharedRecord(dataDir, own);
  } catch (error) {
    await owner.handOver(HAND_OVER_MS);
    throw error;
  }
  owner.follow(path);
  log.info("This process owns the store in PostgreSQL", { epoch });
  const self = { place, version: VERSION };
  const reports = createOwnerReports(reporting, self, first, owner, schedule, async (why) => {
    log.warn("Handing over to a standby, so this process ends", { why });
    await owner.handOver(4 * HAND_OVER_MS);
    // A service manager may start this one again at once, and then the lease would be its own.
    const isOurs = () => remote.look().then((state) => state.epoch === epoch, () => false);
    for (let left = HAND_OVER_MS; left > 0 && await isOurs(); left -= LOOK_MS) await sleep(LOOK_MS);
    process.exit(EXIT.tryAgain);
  });
  return {
    ...owner,
    ...reports,
    isTakenOver: copy !== undefined,
    async close() {
      const [isDone] = await Promise.all([owner.handOver(HAND_OVER_MS), reports.close()]);
      if (!isDone) {
        log.error(
          "PostgreSQL lacks the last changes. They are in this data directory: start this bot " +
            "again before another process takes over, or they are lost as after a power cut",
        );
      }
      await remote.close();
    },
  };
}

/** Makes a copy equal to PostgreSQL, where nothing changes any more, and gives it the store's name. */
async function becomeStore(
  copy: Copy,
  path: string,
  { sequence, pageCount }: TakenLease,
): Promise<void> {
  const isOlder = sequence < (copy.sequence() ?? 0);
  await (isOlder ? copy.compare(sequence) : copy.update());
  copy.finish(pageCount);
  copy.close();
  renameSync(join(dirname(path), COPY_NAME), path);
}

/** Why this process ends, for the log. */
const LOSSES: Readonly<Record<LossReason, string>> = {
  taken: "Another process has taken over this bot, so this one ends: it was asleep, or could not " +
    "reach PostgreSQL. Start it again, and it stands by",
  older: "PostgreSQL went back to an older copy of the store, so this process ends: the server " +
    "failed over to a replica that lags, or was restored. Start it again, and it sends all that " +
    "PostgreSQL lacks",
};

/** Now, by both clocks. */
export const moment = (): Moment => ({ elapsed: performance.now(), now: Date.now() });
