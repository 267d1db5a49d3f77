/** Keeps the file of this data directory equal to a store that another process owns (O15). */

import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { inspect } from "../../store/database/database.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import { type Copy, COPY_NAME, openCopy } from "../../store/replica/copy.ts";
import { type SharedRecord, writeSharedRecord } from "../../store/replica/record.ts";
import type { RemoteState } from "../../store/replica/remote.ts";
import type { Joined } from "./join.ts";
import { forkedStore, otherStore, refuseOtherBot } from "./refuse.ts";

/**
 * After PostgreSQL went back to an older copy, the time (milliseconds) for the owner to start again and
 * send what is lacking.
 */
const AFTER_RETURN_MS = 60_000;

/** Creates it; nothing is copied before the first call. */
export function createFollowing({ remote, record, taker, dataDir, log }: Joined) {
  const path = join(dataDir, DATABASE_NAME);
  let copy: Copy | undefined;
  /** The last state whose changes the copy has. */
  let seen: RemoteState | undefined;
  /** An older copy whose owner has not come back yet, and how long to wait for it. */
  let older: { readonly epoch: number; readonly until: number } | undefined;
  /** The owner in the record, which commands here name. */
  let known = record.place;

  /** Finds out whether PostgreSQL is older than this copy, which then has another time's pages. */
  async function compareIfOlder(copy: Copy, state: RemoteState, isUnsure: boolean): Promise<void> {
    const isOlder = seen !== undefined &&
      (state.epoch < seen.epoch || state.sequence < seen.sequence);
    if (isOlder || isUnsure) await copy.compare(state.sequence);
    if (isOlder) {
      log.warn(
        "PostgreSQL went back to an older copy of the store. Its owner has all of it, so this " +
          "standby waits for the owner before it takes over",
        { waitSec: AFTER_RETURN_MS / 1_000 },
      );
      older = { epoch: state.epoch, until: performance.now() + AFTER_RETURN_MS };
    } else if (older && state.epoch > older.epoch) older = undefined; // the owner is back
  }

  return {
    /** The copy; absent if the file here is the newest one, or if there is no store yet. */
    copy: (): Copy | undefined => copy,
    /**
     * Brings the copy up to date.
     *
     * @param isUnsure Whether another server may have answered since the last call.
     * @param onBegin Called before a first copy, which may take long.
     * @throws {StartError} If it is the store of another bot or another data directory.
     */
    async follow(
      state: RemoteState,
      isUnsure: boolean,
      onBegin: () => Promise<void>,
    ): Promise<void> {
      if (isForked(state, record, path)) throw forkedStore(dataDir, state);
      const isOwn = isOwnFile(state, record, path, taker.place);
      if (!isOwn) refuseOtherBot(state, taker.bots);
      if (!isOwn && state.pageCount > 0 && !copy) {
        if (existsSync(path)) {
          if (record.epoch === 0) throw otherStore(dataDir); // another process was the first one
          renameSync(path, join(dataDir, COPY_NAME));
        }
        for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
        copy = openCopy(join(dataDir, COPY_NAME), remote);
        log.info("Standing by: another process owns the store", { owner: state.place });
        await onBegin();
        await copy.compare(state.sequence);
      } else if (copy) await compareIfOlder(copy, state, isUnsure);
      if (copy && state.place !== known) {
        known = state.place;
        writeSharedRecord(dataDir, { ...record, place: known });
      }
      await copy?.update();
      seen = state;
    },
    /**
     * Why this program must not take the lease; `undefined` if it may.
     *
     * @throws {StoreError} `newer`, if a newer program wrote the file here.
     */
    newer(): string | undefined {
      if (!copy && existsSync(path)) inspect(path, MIGRATIONS.length);
      if (!copy || copy.schema() <= MIGRATIONS.length) return undefined;
      return "a newer Barnacle wrote the store, so upgrade this one";
    },
    /** Whether the copy is as new as any that its owner may still have. */
    mayTake: (): boolean => older === undefined || performance.now() >= older.until,
  };
}

/**
 * Whether PostgreSQL went back to before the last lease of this directory, and another process has
 * changed it since.
 */
function isForked(
  state: RemoteState,
  { owner, epoch, since = Infinity }: SharedRecord,
  path: string,
): boolean {
  if (epoch === 0 || state.owner === owner || !existsSync(path)) return false;
  return state.epoch === epoch || (state.epoch < epoch && state.ownedSince > since);
}

/** Whether the file here has everything that PostgreSQL has. */
function isOwnFile(
  state: RemoteState,
  { owner, epoch }: SharedRecord,
  path: string,
  place: string,
): boolean {
  if (state.pageCount === 0) return true;
  if (!existsSync(path)) return false;
  if (state.epoch < epoch) return true; // PostgreSQL went back to before this directory's lease
  if (state.owner !== owner) return false;
  // Without an epoch, a first copy ended before the record was written.
  return state.epoch === epoch || (epoch === 0 && state.place === place);
}
