/**
 * Keeps the copy of a store or of one partition, and takes its lease when this process is to own it
 * (O15, O16).
 */

import type { Partition } from "../../core/discord/partition.ts";
import type { SharingProcess } from "../../core/shared_store.ts";
import type { Store } from "../../core/store/store.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import type { SharedRecord } from "../../store/replica/record.ts";
import { createRemote, type RemoteOptions, type RemoteState } from "../../store/replica/remote.ts";
import { RemoteError } from "../../store/replica/remote_error.ts";
import { REPORT_MS } from "../../store/replica/report.ts";
import { StartError } from "../shared/exit_code.ts";
import { createFollowing } from "./following.ts";
import { type JoinOptions, moment, ownStore, recordOf, type SharedStore } from "./join.ts";
import { startErrorOf } from "./refuse.ts";

/** Opens the store in a partition's folder. */
export type PartitionStoreOpener = (
  folder: string,
  follower: undefined,
  partition: Partition,
) => Pick<Store, "close">;

/** Everything that a candidate needs. */
export interface CandidateOptions
  extends
    Pick<JoinOptions, "url" | "bots" | "version" | "log" | "onLost">,
    Pick<RemoteOptions, "move"> {
  /** Number of the partition, from 0. */
  readonly index: number;
  /** Number of partitions of the bot; 1: it has one store. */
  readonly count: number;
  /** The partition's folder. */
  readonly folder: string;
  /** Names this process. */
  readonly place: string;
  readonly openStore: PartitionStoreOpener;
  /** The copy has all pages, so this process may take the partition. */
  readonly onWhole: () => void;
  /** This process cannot keep the copy: the disk refuses, or it is another bot's store. */
  readonly onFailed: (error: unknown) => void;
}

/**
 * Creates it; nothing is copied before the first look. The function is long because its inner functions
 * share one state: the copy, and whether this process has the lease.
 */
export function createCandidate(options: CandidateOptions) {
  const { url, bots, version, log, index, count, folder, place, move } = options;
  const remote = createRemote(url, { bots, partition: index, partitions: count, move });
  let known: SharedRecord | undefined;
  let following: ReturnType<typeof createFollowing> | undefined;
  let state: RemoteState | undefined;
  let work: Promise<void> | undefined;
  let isWhole = false;
  /** Whether another server may have answered since the copy was made: it is compared first. */
  let isDoubted = false;
  let sequence = -1;
  let epoch = -1;
  let hasFailed = false;
  let wholeAt = performance.now();
  let reportedAt = -Infinity;
  let processes: readonly SharingProcess[] = [];
  /** Whether this process has the lease, or makes itself the owner: it follows no other one then. */
  let isHeld = false;

  const candidateOf = ({ owner, epoch }: SharedRecord) => ({
    owner,
    place,
    bots,
    lastEpoch: epoch,
  });

  async function follow(seen: RemoteState): Promise<void> {
    const record = known ??= recordOf(folder, seen);
    following ??= createFollowing({
      remote,
      record,
      candidate: candidateOf(record),
      dataDir: folder,
      log,
    });
    if (seen.sequence !== sequence || seen.epoch !== epoch || !isWhole || isDoubted) {
      const isUnsure = !isWhole || isDoubted;
      isDoubted = false;
      await following.follow(seen, report, isUnsure);
      ({ sequence, epoch } = seen);
      isWhole = true;
      hasFailed = false;
      if (isUnsure) options.onWhole();
    }
    wholeAt = performance.now();
    await report();
  }

  async function report(): Promise<void> {
    const copy = following?.copy();
    if (!copy || performance.now() - reportedAt < REPORT_MS) return;
    reportedAt = isWhole ? performance.now() : -Infinity; // once it is, again at once
    ({ processes } = await remote.report({ place, version, sequence: copy.sequence() }));
  }

  const isOurs = (): boolean =>
    isWhole && !isDoubted && state !== undefined && !state.isFree && state.place === place &&
    following?.copy() === undefined && existsSync(join(folder, DATABASE_NAME));

  async function take(isAgain: boolean): Promise<SharedStore | undefined> {
    await work;
    if (!state || !isWhole || isDoubted) return undefined;
    const record = known ??= recordOf(folder, state);
    const candidate = candidateOf(record);
    const takenAt = moment();
    if (!state.isFree && !isAgain || following?.mayTake() === false) return undefined;
    const lease = await remote.take(candidate, state.epoch);
    if (!lease) return undefined;
    isHeld = true;
    const copy = following?.copy();
    following = undefined;
    known = undefined;
    isWhole = false;
    sequence = -1;
    const own = { ...options, remote, record, candidate, partition: index, partitions: count };
    try {
      return await ownStore(
        {
          ...own,
          dataDir: folder,
          openStore: () => options.openStore(folder, undefined, { index, count }),
        },
        { lease, takenAt, copy },
      );
    } catch (error) {
      isHeld = false;
      throw error instanceof RemoteError ? startErrorOf(error) : error;
    }
  }

  return {
    index,
    /** Whether the file here, or the copy, has the whole partition. */
    isWhole: (): boolean => isWhole && !isDoubted,
    /** Whether this process had the lease before it was started again, and no other has taken it. */
    isOurs,
    /** Milliseconds since the copy was last whole. */
    lagMs: (): number => performance.now() - wholeAt,
    /** The processes of the last day, as of the last report. */
    processes: () => processes,
    /** Brings the copy up to date, in the background. */
    saw(seen: RemoteState): void {
      state = seen;
      if (isHeld) return;
      work ??= follow(seen).catch((error: unknown) => {
        isWhole = false;
        if (!(error instanceof RemoteError)) options.onFailed(error); // not PostgreSQL, but the disk
        if (error instanceof StartError || hasFailed) return;
        hasFailed = true;
        log.warn("Cannot copy the store of another process; trying again", {
          ...(count > 1 && { partition: index }),
          error: error instanceof Error ? error.message : String(error),
        });
      }).finally(() => work = undefined);
    },
    /** PostgreSQL did not answer. */
    doubt(): void {
      isDoubted = true;
    },
    /**
     * Takes the lease.
     *
     * @param isAgain Whether it was this process's before.
     * @returns `undefined` if another process has it.
     */
    take,
    /**
     * Copies the partition, and takes its lease at once.
     *
     * @param seen Its state, just read.
     * @returns `undefined` if another process has it.
     * @throws {RemoteError | StartError} If it cannot be copied or taken.
     */
    async takeNow(seen: RemoteState): Promise<SharedStore | undefined> {
      state = seen;
      await follow(seen);
      return await take(isOurs());
    },
    /** The lease has ended, by this process. */
    released(): void {
      isHeld = false;
      known = undefined; // its record has another epoch now
    },
    /** Ends it. */
    async close(): Promise<void> {
      await work;
      following?.copy()?.close();
      await remote.close();
    },
  };
}
