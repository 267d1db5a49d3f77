/**
 * Joins a store that several processes share through PostgreSQL (O15): waits as a standby until the
 * lease is free, and then makes this process the owner.
 *
 * The database in PostgreSQL is the truth. The file here is newer only if this data directory had the
 * lease last; then its start sends the difference. In any other case it becomes a copy.
 */

import { randomUUID } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { type Copy, lackingPages } from "../../store/replica/copy.ts";
import {
  createOwner,
  type LossReason,
  type Moment,
  type Owner,
} from "../../store/replica/owner.ts";
import {
  readSharedRecord,
  type SharedRecord,
  writeSharedRecord,
} from "../../store/replica/record.ts";
import {
  createRemote,
  type LeaseTaker,
  type Remote,
  type RemoteOptions,
  type RemoteState,
  type TakenLease,
} from "../../store/replica/remote.ts";
import { RemoteError } from "../../store/replica/remote_error.ts";
import { readMayLose } from "../../store/replica/tables.ts";
import { createOwnerReports } from "../../store/replica/owner_reports.ts";
import { REPORT_MS, sharedStateOf } from "../../store/replica/report.ts";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { Store } from "../../core/store/store.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import { COPY_NAME, createFollowing } from "./following.ts";
import type { StandbyState } from "./health.ts";
import {
  clockProblem,
  MAY_LOSE,
  otherStore,
  startErrorOf,
  SYNCHRONIZE,
  twinProblem,
} from "./refuse.ts";

/** How often a standby looks for changes and for the lease, in milliseconds. */
export const LOOK_MS = 500;

/** After an outage of PostgreSQL, the time (milliseconds) for the owner to renew its lease. */
const AFTER_OUTAGE_MS = 3_000;

/** How long a stop waits for PostgreSQL. */
const HAND_OVER_MS = 5_000;

/** Everything that joining needs. */
export interface JoinOptions extends Pick<RemoteOptions, "partition" | "partitions" | "move"> {
  /** `store.url`. */
  readonly url: string;
  /** The folder of the store. */
  readonly dataDir: string;
  /** Names this process; by default, by the folder of the store. */
  readonly place?: string;
  /** Marks of the bots of this process. */
  readonly bots: readonly string[];
  /** Version of this program. */
  readonly version: string;
  readonly log: Log;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Opens the store, and creates or migrates it. */
  readonly openStore: () => Pick<Store, "close">;
  /** This process begins to wait; called again with each change. */
  readonly onStandby: (state: StandbyState) => Promise<void>;
  /** Another process has the lease; the process must end at once, with this code. */
  readonly onLost: (code: ExitCode) => void;
}

/** The store of this process, which follows each commit. */
export interface SharedStore extends Pick<Owner, "committed" | "confirmed" | "mayAct" | "leave"> {
  /** The state that all outputs show; `undefined` before PostgreSQL has told it. */
  readonly state: () => SharedStoreState | undefined;
  /** Whether another data directory had the lease last: its process may still run, and hang. */
  readonly isTakenOver: boolean;
  /** Sends the rest and ends the lease. The store must be closed. */
  close(): Promise<void>;
}

/**
 * Waits for the lease, and prepares the file.
 *
 * @returns `undefined` if the signal came first.
 * @throws {StartError} If PostgreSQL cannot be used, or has the store of another bot.
 */
export async function joinSharedStore(options: JoinOptions): Promise<SharedStore | undefined> {
  const { url, bots, partition, partitions, move } = options;
  const remote = createRemote(url, { bots, partition, partitions, move });
  try {
    const joined = await becomeOwner(options, remote);
    if (!joined) await remote.close();
    return joined;
  } catch (error) {
    await remote.close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  }
}

/**
 * Opens the tables, and creates them if there are none.
 *
 * @throws {StartError | RemoteError} If this process must not use them.
 */
export async function openTables(
  { bots, log }: Pick<JoinOptions, "bots" | "log">,
  remote: Remote,
): Promise<RemoteState> {
  const askedAt = Date.now();
  const state = await remote.open();
  const clock = clockProblem(state, askedAt, Date.now());
  if (clock !== undefined) throw new StartError(clock, EXIT.tryAgain);
  const twin = await remote.twin();
  if (twin !== undefined) throw twinProblem(twin, bots.length);
  if (await remote.use(readMayLose)) log.warn(`${MAY_LOSE}; ${SYNCHRONIZE}`);
  return state;
}

/** It is long because it is a list: lease, file and PostgreSQL, in this order. */
async function becomeOwner(
  options: JoinOptions,
  remote: Remote,
): Promise<SharedStore | undefined> {
  const { dataDir, bots, place = placeOf(dataDir) } = options;
  const state = await openTables(options, remote);
  const record = recordOf(dataDir, state);
  const candidate = {
    owner: record.owner,
    place,
    bots,
    lastEpoch: record.epoch,
  };
  const path = join(dataDir, DATABASE_NAME);
  const waited = await waitForLease({ ...options, remote, record, candidate, path });
  if (!waited) return undefined;
  return await ownStore({ ...options, remote, record, candidate }, waited);
}

/** A lease that was just taken, with the copy of the store if another process had it before. */
export interface Won {
  /** As PostgreSQL gave it. */
  readonly lease: TakenLease;
  /** When the lease was asked for. */
  readonly takenAt: Moment;
  /** Absent: the file here is the store. */
  readonly copy: Copy | undefined;
}

/**
 * Makes this process the owner of a store whose lease it has just taken.
 *
 * @throws {RemoteError | StartError} If the file or PostgreSQL fails; the lease has ended then.
 */
export async function ownStore(
  options:
    & Pick<JoinOptions, "url" | "dataDir" | "version" | "log" | "openStore" | "onLost">
    & Pick<RemoteOptions, "partition" | "partitions">
    & Pick<WaitOptions, "remote" | "record" | "candidate">,
  { lease, takenAt, copy }: Won,
): Promise<SharedStore> {
  const { dataDir, log, remote, record, candidate, partition, partitions } = options;
  const path = join(dataDir, DATABASE_NAME);
  const { pageCount: stored } = lease;
  // At once, or the next start takes a file that is newer than PostgreSQL for an old copy. But until
  // PostgreSQL has a first copy, the file here stays the only store.
  const { epoch, since } = lease;
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
      options.onLost(EXIT.tryAgain);
    },
    onTrouble(error) {
      if (error) {
        log.warn("PostgreSQL does not take the store's changes; answers wait until it does", {
          error: error.message,
        });
      } else log.info("PostgreSQL has the store's changes again");
    },
  });
  try {
    if (copy) {
      const isOlder = lease.sequence < (copy.sequence() ?? 0);
      await (isOlder ? copy.compare(lease.sequence) : copy.update());
      copy.finish(stored);
      copy.close();
      renameSync(join(dataDir, COPY_NAME), path);
    }
    options.openStore().close(); // the file alone has everything then
    if (existsSync(`${path}-wal`)) {
      throw new StartError(
        `another program reads ${path}, so its log cannot be emptied; end it, and start again`,
        EXIT.io,
      );
    }
    for await (const lacking of lackingPages(path, remote, stored)) await owner.store(lacking);
    if (stored === 0) writeSharedRecord(dataDir, own);
  } catch (error) {
    await owner.handOver(HAND_OVER_MS);
    throw error;
  }
  owner.follow(path);
  log.info("This process owns the store in PostgreSQL", {
    ...(partition !== undefined && { partition }),
    epoch,
  });
  const self = { place: candidate.place, version: options.version };
  const reports = createOwnerReports(createRemote(options.url, { partition, partitions }), self, {
    own: () => ({ lagMs: owner.lagMs(), problem: owner.problem() }),
    schedule,
  });
  return {
    ...owner,
    state: reports.state,
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

/** Why this process ends, for the log. */
const LOSSES: Readonly<Record<LossReason, string>> = {
  taken: "Another process has taken over this bot, so this one ends: it was asleep, or could not " +
    "reach PostgreSQL. Start it again, and it stands by",
  older: "PostgreSQL went back to an older copy of the store, so this process ends: the server " +
    "failed over to a replica that lags, or was restored. Start it again, and it sends all that " +
    "PostgreSQL lacks",
};

/** Names a data directory for people and for the lease. */
export function placeOf(dataDir: string): string {
  return `${hostname()}:${dataDir}`;
}

/** Now, by both clocks. */
export const moment = (): Moment => ({ elapsed: performance.now(), now: Date.now() });

/**
 * Reads or creates the record of the data directory.
 *
 * @throws {StartError} If its data belong to another store.
 */
export function recordOf(dataDir: string, { id, pageCount }: RemoteState): SharedRecord {
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

interface WaitOptions extends JoinOptions {
  readonly remote: Remote;
  readonly record: SharedRecord;
  readonly candidate: LeaseTaker;
  readonly path: string;
}

/** Takes the lease as soon as it is free, and keeps a copy until then. */
async function waitForLease(options: WaitOptions) {
  const { remote, record, candidate, dataDir, signal, log, onStandby, version } = options;
  const { place } = candidate;
  const following = createFollowing({ remote, record, candidate, dataDir, log });
  let problem: string | undefined;
  let notBefore = 0;
  let processes: readonly SharingProcess[] = [];
  let reportedAt = -Infinity;
  let wholeAt = performance.now();
  let state = await remote.look();
  /** Whether another server may have answered since. */
  let isUnsure = false;
  while (!signal.aborted) {
    try {
      const { isOwn, copy } = await following.follow(state, async () => {
        await onStandby(standbyOf(state, false));
        await remote.report({ place, version });
      }, isUnsure);
      isUnsure = false;
      if (copy) wholeAt = performance.now();
      if (copy && performance.now() - reportedAt >= REPORT_MS) {
        reportedAt = performance.now();
        ({ processes } = await remote.report({ place, version, sequence: copy.sequence() }));
      }
      const takenAt = moment();
      const mayTake = state.isFree || isOwn && state.place === candidate.place;
      const lease = mayTake && performance.now() >= notBefore && following.mayTake()
        ? await remote.take(candidate, state.epoch)
        : undefined;
      if (lease) return { lease, takenAt, copy };
      if (problem !== undefined) log.info("PostgreSQL answers again");
      problem = undefined;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (problem === undefined) log.warn("PostgreSQL does not answer", { error: error.message });
      problem = error.message;
      isUnsure = true;
      notBefore = performance.now() + AFTER_OUTAGE_MS;
    }
    await onStandby(standbyOf(state, following.copy() !== undefined));
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    state = await remote.look().catch(() => {
      isUnsure = true;
      notBefore = performance.now() + AFTER_OUTAGE_MS;
      return state;
    });
  }
  following.copy()?.close();
  return undefined;

  function standbyOf(state: RemoteState, isCopied: boolean): StandbyState {
    const lagMs = performance.now() - wholeAt;
    return {
      shared: sharedStateOf(state, processes, { isOwner: false, lagMs, problem }),
      isCopied,
    };
  }
}
