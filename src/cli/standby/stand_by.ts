/**
 * Runs a process as a standby until it owns the store (O15).
 *
 * Twice a second it looks at the lease and copies the pages that have changed. It takes the lease once
 * that has ended, or at once if this data directory had it last.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bot, Setup } from "../../bot.ts";
import type { BotConfig } from "../../config/config.ts";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { Store } from "../../store/store.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import type { Follower } from "../../store/database/durability.ts";
import { createRemote } from "../../store/replica/remote.ts";
import { outageText, RemoteError } from "../../store/replica/remote_error.ts";
import { REPORT_MS, sharedStateOf } from "../../store/replica/report.ts";
import { VERSION } from "../../version.ts";
import { type Instance, InstanceTakenError } from "../shared/sole_instance.ts";
import { createFollowing } from "./following.ts";
import { createStandbyHealth, type HealthOptions, type StandbyState } from "./health.ts";
import { type Joined, joinStore, moment, ownStore, type SharedStore, type Won } from "./join.ts";
import { markOf, startErrorOf } from "./refuse.ts";

/** How often a standby looks, in milliseconds. */
const LOOK_MS = 500;

/** Milliseconds after an outage of PostgreSQL in which the owner may renew its lease. */
const AFTER_OUTAGE_MS = 3_000;

/** How long to wait for the lock of a token, which the last owner releases after its lease. */
const TOKEN_LOCK_MS = 5_000;
const TOKEN_LOOK_MS = 50;

export interface StandByOptions extends HealthOptions {
  readonly config: BotConfig;
  /** `store.url`. */
  readonly url: string;
  readonly dataDir: string;
  /** The locks; those of the tokens are taken with the lease. */
  readonly instance: Pick<Instance, "addBots" | "setHttp" | "setPortInUse">;
  /** Lock names of all bots. */
  readonly bots: readonly string[];
  /** The same bots. */
  readonly accounts: Setup["accounts"];
  /** Resolves with the first signal to stop. */
  readonly signal: Promise<unknown>;
  readonly openStore: (follower?: Follower) => Store;
}

export interface OwnedStore {
  readonly store: Store;
  /** Waits until this process may change Discord; absent: it always may. */
  readonly mayAct?: () => Promise<void>;
  /** Owner and copies; absent: the store is not in PostgreSQL. */
  readonly shared?: () => SharedStoreState | undefined;
  /** Takes the state of the running bot; absent as above. */
  readonly onStarted?: (snapshot: Bot["snapshot"]) => void;
  close(): Promise<void>;
}

/**
 * Waits until this process owns the store, and opens it.
 *
 * @returns `undefined` if a signal came first.
 * @throws {StartError} If PostgreSQL cannot be used.
 * @throws {InstanceTakenError} If another process of this machine runs with a token of the bot, too.
 */
export async function waitForStore(options: StandByOptions): Promise<OwnedStore | undefined> {
  const { log, signal, config: { shutdown }, openStore } = options;
  const ending = new AbortController();
  void signal.then(() => ending.abort());
  const health = createStandbyHealth(options);
  let shared: SharedStore | undefined;
  try {
    shared = await takeLease(options, health.show, ending.signal);
  } finally {
    await health.close();
  }
  if (!shared) {
    log.info("Barnacle has stopped standing by");
    return undefined;
  }
  const { mayAct, state, watch, leave, close } = shared;
  let store: Store | undefined;
  try {
    store = openStore(shared);
    await takeTokens(options, shared.isTakenOver);
  } catch (error) {
    store?.close();
    await close(); // another process may be able to open its copy
    throw error;
  }
  const opened = store;
  void signal.then(() => void setTimeout(leave, shutdown.graceSec * 1_000).unref());
  return {
    store,
    mayAct,
    shared: state,
    onStarted: (snapshot) =>
      watch(() => {
        const shards = snapshot().accounts.flatMap((account) => account.shards);
        // One that waits for Discord's limit would wait elsewhere, too.
        return shards.length > 0 && shards.every(({ state, waits }) => state !== "ready" && !waits);
      }),
    async close() {
      opened.close();
      await close();
    },
  };
}

/**
 * Copies the store until this process has its lease.
 *
 * @returns `undefined` if the signal came first.
 */
async function takeLease(
  { url, dataDir, accounts, env, log, openStore }: StandByOptions,
  show: (state: StandbyState) => Promise<void>,
  ending: AbortSignal,
): Promise<SharedStore | undefined> {
  const bots = Array.from(accounts.values(), (one) => markOf(one.token, one.apiBase));
  const remote = createRemote(url, { bots });
  try {
    const joined = await joinStore({ remote, dataDir, bots, log });
    const won = await waitForTurn(joined, show, async () => {
      const { examineNetwork } = await import("../../bot/preflight/examine.ts"); // rarely needed
      const [{ apiBase } = { apiBase: "" }] = accounts.values();
      const found = await examineNetwork({ apiBase, env, showsDns: false, opensGateway: true });
      return found.rest.http.kind === "ok" && found.gateway?.hello.kind === "ok";
    }, ending);
    if (won) return await ownStore(joined, won, openStore, createRemote(url));
    await remote.close();
    return undefined;
  } catch (error) {
    await remote.close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  }
}

/** Follows the store, and takes its lease once it has ended or is this data directory's own. */
async function waitForTurn(
  joined: Joined,
  show: (state: StandbyState) => Promise<void>,
  reachesDiscord: () => Promise<boolean>,
  ending: AbortSignal,
): Promise<Won | undefined> {
  const { remote, taker, dataDir, log } = joined;
  const following = createFollowing(joined);
  let { state } = joined;
  let processes: readonly SharingProcess[] = [];
  let isCopied = false;
  /** Why PostgreSQL does not answer; another server may answer after it. */
  let problem: string | undefined;
  /** Why this program cannot open the store. */
  let newer: string | undefined;
  let wholeAt = performance.now();
  let outageEndedAt = -Infinity;
  let reportedAt = -Infinity;
  let isFit = false;

  function tell(): Promise<void> {
    const lagMs = performance.now() - wholeAt;
    const why = problem ?? newer;
    const shared = sharedStateOf(state, processes, { isOwner: false, lagMs, problem: why });
    return show({ shared, isCopied });
  }

  async function report(): Promise<void> {
    const copy = following.copy();
    if (!copy || performance.now() - reportedAt < REPORT_MS) return;
    reportedAt = isCopied ? performance.now() : -Infinity; // once it is, again at once
    const self = { place: taker.place, version: VERSION, sequence: copy.sequence(), isFit };
    ({ processes } = await remote.report(self));
    const owner = processes.find(({ place }) => place === state.place);
    if (owner?.isFit !== false || !isCopied || newer !== undefined) isFit = false;
    else void reachesDiscord().then((found) => isFit = found, () => isFit = false);
  }

  async function look(): Promise<Won | undefined> {
    state = await remote.look();
    await following.follow(state, problem !== undefined, async () => {
      await report();
      await tell();
    });
    if (problem !== undefined) {
      log.info("PostgreSQL answers again");
      outageEndedAt = performance.now();
    }
    isCopied = true;
    problem = undefined;
    wholeAt = performance.now();
    await report();
    const found = following.newer();
    if (found !== undefined && newer === undefined) log.warn("Cannot take over", { error: found });
    newer = found;
    if (newer !== undefined) return undefined;
    const isOurs = state.place === taker.place && existsSync(join(dataDir, DATABASE_NAME));
    const isLate = performance.now() - outageEndedAt >= AFTER_OUTAGE_MS;
    if (!isOurs && !(state.isFree && isLate && following.mayTake())) return undefined;
    const takenAt = moment();
    const lease = await remote.take(taker, state.epoch);
    return lease && { lease, takenAt, copy: following.copy() };
  }

  let won: Won | undefined;
  try {
    while (!ending.aborted) {
      try {
        won = await look();
        if (won) return won;
      } catch (error) {
        if (!(error instanceof RemoteError)) throw error; // not PostgreSQL, but the disk
        if (problem === undefined) log.warn(outageText(error));
        problem = outageText(error);
      }
      await tell();
      await sleep(LOOK_MS, undefined, { signal: ending }).catch(() => {});
    }
    return undefined;
  } finally {
    if (!won) following.copy()?.close();
  }
}

/**
 * Takes the locks of the tokens.
 *
 * @param isTakenOver Whether a process that hangs on this machine may have them still.
 */
async function takeTokens(
  { instance, bots, log }: StandByOptions,
  isTakenOver: boolean,
): Promise<void> {
  for (let waitedMs = 0;; waitedMs += TOKEN_LOOK_MS) {
    try {
      return await instance.addBots(bots);
    } catch (error) {
      if (!(error instanceof InstanceTakenError)) throw error;
      if (isTakenOver && error.isSilent) {
        return log.warn(
          "A process that hangs has the lock of the bot's token; going on without it",
        );
      }
      if (waitedMs >= TOKEN_LOCK_MS) throw error;
      await sleep(TOKEN_LOOK_MS);
    }
  }
}
