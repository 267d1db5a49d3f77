/**
 * Joins a store that several processes share through PostgreSQL (O15): waits as a standby until the
 * lease is free, and then makes this process the owner.
 *
 * The database in PostgreSQL is the truth. The file here is newer only if this data directory had the
 * lease last; then its start sends the difference. In any other case it becomes a copy.
 */

import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { lackingPages, openCopy } from "../../store/replica/copy.ts";
import { createOwner, type Moment, type Owner } from "../../store/replica/owner.ts";
import {
  readSharedRecord,
  type SharedRecord,
  writeSharedRecord,
} from "../../store/replica/record.ts";
import {
  createRemote,
  type LeaseTaker,
  type Remote,
  type RemoteState,
} from "../../store/replica/remote.ts";
import { RemoteError } from "../../store/replica/remote_error.ts";
import { createOwnerReports } from "../../store/replica/owner_reports.ts";
import { REPORT_MS, sharedStateOf } from "../../store/replica/report.ts";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { Store } from "../../core/store/store.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import type { StandbyState } from "./health.ts";
import { clockProblem, otherStore, refuseOtherBot, startErrorOf, twinProblem } from "./refuse.ts";

/** The copy of a standby: no command takes it for the store. */
const COPY_NAME = "standby.db";

/** How often a standby looks for changes and for the lease, in milliseconds. */
const LOOK_MS = 500;

/** After an outage of PostgreSQL, the time (milliseconds) for the owner to renew its lease. */
const AFTER_OUTAGE_MS = 3_000;

/** How long a stop waits for PostgreSQL. */
const HAND_OVER_MS = 5_000;

/** Everything that joining needs. */
export interface JoinOptions {
  /** `store.url`. */
  readonly url: string;
  readonly dataDir: string;
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
  const remote = createRemote(options.url, { bots: options.bots });
  try {
    const joined = await becomeOwner(options, remote);
    if (!joined) await remote.close();
    return joined;
  } catch (error) {
    await remote.close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  }
}

/** It is long because it is a list: lease, file and PostgreSQL, in this order. */
async function becomeOwner(
  options: JoinOptions,
  remote: Remote,
): Promise<SharedStore | undefined> {
  const { dataDir, bots, log } = options;
  const askedAt = Date.now();
  const state = await remote.open();
  const clock = clockProblem(state, askedAt, Date.now());
  if (clock !== undefined) throw new StartError(clock, EXIT.tryAgain);
  const twin = await remote.twin();
  if (twin !== undefined) throw twinProblem(twin, bots.length);
  const record = recordOf(dataDir, state);
  const candidate = { owner: record.owner, place: placeOf(dataDir), bots };
  const path = join(dataDir, DATABASE_NAME);
  const waited = await waitForLease({ ...options, remote, record, candidate, path });
  if (!waited) return undefined;
  const { lease, takenAt, copy } = waited;
  const { pageCount: stored } = lease;
  // At once, or the next start takes a file that is newer than PostgreSQL for an old copy. But until
  // PostgreSQL has a first copy, the file here stays the only store.
  if (stored > 0) writeSharedRecord(dataDir, { ...record, epoch: lease.epoch });
  const owner = createOwner({
    remote,
    lease,
    takenAt,
    moment,
    schedule,
    onLost() {
      log.error(
        "Another process has taken over this bot, so this one ends: it was asleep, or could not " +
          "reach PostgreSQL. Start it again, and it stands by",
      );
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
      await copy.update();
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
    if (stored === 0) writeSharedRecord(dataDir, { ...record, epoch: lease.epoch });
  } catch (error) {
    await owner.handOver(HAND_OVER_MS);
    throw error;
  }
  owner.follow(path);
  log.info("This process owns the store in PostgreSQL", { epoch: lease.epoch });
  const self = { place: candidate.place, version: options.version };
  const reports = createOwnerReports(createRemote(options.url), self, {
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

/** Names a data directory for people and for the lease. */
export function placeOf(dataDir: string): string {
  return `${hostname()}:${dataDir}`;
}

const moment = (): Moment => ({ elapsed: performance.now(), now: Date.now() });

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

interface WaitOptions extends JoinOptions {
  readonly remote: Remote;
  readonly record: SharedRecord;
  readonly candidate: LeaseTaker;
  readonly path: string;
}

/** Takes the lease as soon as it is free, and keeps a copy until then. */
async function waitForLease(options: WaitOptions) {
  const { remote, record, candidate, path, dataDir, signal, log, onStandby, version } = options;
  const { place } = candidate;
  let copy: ReturnType<typeof openCopy> | undefined;
  let problem: string | undefined;
  let notBefore = 0;
  let processes: readonly SharingProcess[] = [];
  let reportedAt = -Infinity;
  let wholeAt = performance.now();
  for (let state = await remote.look(); !signal.aborted;) {
    try {
      const isOwn = isOwnFile(state, record, path, place);
      if (!isOwn) refuseOtherBot(state, candidate.bots);
      if (!isOwn && state.pageCount > 0 && !copy) {
        if (existsSync(path)) {
          if (record.epoch === 0) throw otherStore(dataDir); // another process was the first one
          renameSync(path, join(dataDir, COPY_NAME));
        }
        for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
        copy = openCopy(join(dataDir, COPY_NAME), remote);
        log.info("Standing by: another process owns the store", { owner: state.place });
        await onStandby(standbyOf(state, false));
        await remote.report({ place, version });
        await copy.compare(state.sequence);
      }
      await copy?.update();
      if (copy) wholeAt = performance.now();
      if (copy && performance.now() - reportedAt >= REPORT_MS) {
        reportedAt = performance.now();
        ({ processes } = await remote.report({ place, version, sequence: copy.sequence() }));
      }
      const takenAt = moment();
      const mayTake = state.isFree || isOwn && state.place === candidate.place;
      const lease = mayTake && performance.now() >= notBefore
        ? await remote.take(candidate, state.epoch)
        : undefined;
      if (lease) return { lease, takenAt, copy };
      if (problem !== undefined) log.info("PostgreSQL answers again");
      problem = undefined;
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      if (problem === undefined) log.warn("PostgreSQL does not answer", { error: error.message });
      problem = error.message;
      notBefore = performance.now() + AFTER_OUTAGE_MS;
    }
    await onStandby(standbyOf(state, copy !== undefined));
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    state = await remote.look().catch(() => {
      notBefore = performance.now() + AFTER_OUTAGE_MS;
      return state;
    });
  }
  copy?.close();
  return undefined;

  function standbyOf(state: RemoteState, isCopied: boolean): StandbyState {
    const lagMs = performance.now() - wholeAt;
    return {
      shared: sharedStateOf(state, processes, { isOwner: false, lagMs, problem }),
      isCopied,
    };
  }
}

/** Whether the file here has everything that PostgreSQL has. */
function isOwnFile(
  state: RemoteState,
  { owner, epoch }: SharedRecord,
  path: string,
  place: string,
): boolean {
  if (state.pageCount === 0) return true;
  if (state.owner !== owner || !existsSync(path)) return false;
  // Without an epoch, a first copy ended before the record was written.
  return state.epoch === epoch || (epoch === 0 && state.place === place);
}
