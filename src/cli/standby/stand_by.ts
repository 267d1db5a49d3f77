/**
 * Runs a process as a standby until it owns the store: with a copy of all pages, health checks, a
 * service manager that knows it is well, and an end by a signal (O15).
 *
 * Twice a second it looks at the lease and copies what has changed. Once the lease has ended, or is
 * this data directory's own, it takes it.
 */

import process from "node:process";
import { setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import type { Setup } from "../../bot.ts";
import type { SharedStoreState, SharingProcess } from "../../core/shared_store.ts";
import type { Store } from "../../core/store/store.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import { listenForHealth } from "../../host/listen.ts";
import { type Notify, watchdogMsOf } from "../../host/process/sd_notify.ts";
import type { Env } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import type { Follower } from "../../store/database/durability.ts";
import { createRemote, type Remote, type RemoteState } from "../../store/replica/remote.ts";
import { asRemoteError, RemoteError } from "../../store/replica/remote_error.ts";
import { REPORT_MS, sharedStateOf } from "../../store/replica/report.ts";
import { VERSION } from "../../version.ts";
import { readBuild } from "../shared/build.ts";
import { type Instance, InstanceTakenError } from "../shared/sole_instance.ts";
import { createFollowing } from "./following.ts";
import { createStandbyHealth, type StandbyState, standbyText } from "./health.ts";
import { moment, openTables, ownStore, placeOf, recordOf, type SharedStore } from "./join.ts";
import { markOf, startErrorOf } from "./refuse.ts";

/** How often a standby looks, in milliseconds. */
const LOOK_MS = 500;

/** Milliseconds after an outage of PostgreSQL in which the owner may renew its lease. */
const AFTER_OUTAGE_MS = 3_000;

/** How long to wait for the lock of a token, which the last owner releases after its lease. */
const TOKEN_LOCK_MS = 5_000;
const TOKEN_LOOK_MS = 50;

/** Time between two notes to the service manager, if its watchdog expects none sooner. */
const NOTIFY_MS = 5_000;

/** Everything that a standby needs. */
export interface StandByOptions {
  readonly config: BotConfig;
  /** Whether the config names `http.port`. */
  readonly isPortWritten: boolean;
  /** `store.url`. */
  readonly url: string;
  readonly dataDir: string;
  readonly env: Env;
  readonly log: Log;
  readonly notify: Notify;
  /** The locks; those of the tokens are taken with the lease. */
  readonly instance: Pick<Instance, "addBots" | "setHttp" | "setPortInUse">;
  /** Lock names of all bots. */
  readonly bots: readonly string[];
  /** The same bots. */
  readonly accounts: Setup["accounts"];
  /** Resolves with the first signal to stop. */
  readonly signal: Promise<unknown>;
  /** The secret by which commands see details. */
  readonly commandKey: string;
  /** Opens the store, and creates or migrates it. */
  readonly openStore: (follower?: Follower) => Store;
}

/** The store of a process that owns it. */
export interface OwnedStore {
  readonly store: Store;
  /** Waits until this process may change Discord; absent: it always may. */
  readonly mayAct?: () => Promise<void>;
  /** Owner and copies; absent: the store is not in PostgreSQL. */
  readonly shared?: () => SharedStoreState | undefined;
  /** Closes the store, and ends the lease. */
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
  const shared = await whileWaiting(
    options,
    (onStandby, ending) => takeLease(options, onStandby, ending),
  );
  if (!shared) {
    log.info("Barnacle has stopped standing by");
    return undefined;
  }
  let store: Store | undefined;
  try {
    store = openStore(shared);
    await takeTokens(options, shared.isTakenOver);
  } catch (error) {
    store?.close();
    await shared.close(); // another process may be able to open its copy
    throw error;
  }
  const opened = store;
  void signal.then(() => void setTimeout(shared.leave, shutdown.graceSec * 1_000).unref());
  return {
    store,
    mayAct: shared.mayAct,
    shared: shared.state,
    async close() {
      opened.close();
      await shared.close();
    },
  };
}

/**
 * Copies the store until this process has its lease.
 *
 * @returns `undefined` if the signal came first.
 */
async function takeLease(
  { url, dataDir, accounts, log, openStore }: StandByOptions,
  onStandby: (state: StandbyState) => Promise<void>,
  ending: AbortSignal,
): Promise<SharedStore | undefined> {
  const bots = Array.from(accounts.values(), (one) => markOf(one.token, one.apiBase));
  const remote = createRemote(url, { bots });
  try {
    const first = await openTables({ bots, log }, remote);
    const record = recordOf(dataDir, first);
    const { owner, epoch: lastEpoch } = record;
    const candidate = { owner, place: placeOf(dataDir), bots, lastEpoch };
    const won = await waitForTurn(
      { remote, record, candidate, dataDir, log },
      first,
      onStandby,
      ending,
    );
    if (won) {
      return await ownStore({
        url,
        dataDir,
        version: VERSION,
        log,
        onLost: (code) => process.exit(code),
        openStore,
        remote,
        record,
        candidate,
      }, won);
    }
    await remote.close();
    return undefined;
  } catch (error) {
    await remote.close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  }
}

/** Follows the store, and takes its lease once it has ended or is this data directory's own. */
async function waitForTurn(
  options: Parameters<typeof createFollowing>[0] & { readonly remote: Remote },
  first: RemoteState,
  onStandby: (state: StandbyState) => Promise<void>,
  ending: AbortSignal,
): Promise<Parameters<typeof ownStore>[1] | undefined> {
  const { remote, candidate, dataDir, log } = options;
  const { place } = candidate;
  const following = createFollowing(options);
  let state = first;
  let known: RemoteState | undefined = first;
  let isCopied = false;
  /** Whether another server may have answered since the copy was whole: it is compared first. */
  let isUnsure = true;
  let problem: string | undefined;
  let wholeAt = performance.now();
  let answeredSince = -Infinity;
  let reportedAt = -Infinity;
  let processes: readonly SharingProcess[] = [];
  const tell = () => {
    const lagMs = performance.now() - wholeAt;
    const shared = sharedStateOf(state, processes, { isOwner: false, lagMs, problem });
    return onStandby({ shared, isCopied });
  };

  async function report(): Promise<void> {
    if (!following.copy() || performance.now() - reportedAt < REPORT_MS) return;
    reportedAt = isCopied ? performance.now() : -Infinity; // once it is, again at once
    const sequence = following.copy()?.sequence();
    ({ processes } = await remote.report({ place, version: VERSION, sequence }));
  }

  async function look(): Promise<Awaited<ReturnType<typeof waitForTurn>>> {
    state = known ?? await remote.look();
    known = undefined;
    await following.follow(state, async () => {
      await report();
      await tell();
    }, isUnsure);
    if (problem !== undefined) {
      log.info("PostgreSQL answers again");
      answeredSince = performance.now();
    }
    [isCopied, isUnsure, problem, wholeAt] = [true, false, undefined, performance.now()];
    await report();
    const isOurs = state.place === place && !following.copy() &&
      existsSync(join(dataDir, DATABASE_NAME));
    const isLate = performance.now() - answeredSince >= AFTER_OUTAGE_MS;
    if (!isOurs && !(state.isFree && isLate && following.mayTake())) return undefined;
    const takenAt = moment();
    const lease = await remote.take(candidate, state.epoch);
    return lease && { lease, takenAt, copy: following.copy() };
  }

  try {
    while (!ending.aborted) {
      try {
        const won = await look();
        if (won) return won;
      } catch (error) {
        if (!(error instanceof RemoteError)) throw error; // not PostgreSQL, but the disk
        const { message } = asRemoteError(error);
        if (problem === undefined) log.warn("PostgreSQL does not answer", { error: message });
        [isUnsure, problem] = [true, message];
      }
      await tell();
      await sleep(LOOK_MS, undefined, { signal: ending }).catch(() => {});
    }
  } catch (error) {
    following.copy()?.close();
    throw error;
  }
  following.copy()?.close();
  return undefined;
}

/** Answers health checks while this process waits. */
async function whileWaiting<Waited>(
  options: StandByOptions,
  wait: (
    onStandby: (state: StandbyState) => Promise<void>,
    ending: AbortSignal,
  ) => Promise<Waited>,
): Promise<Waited> {
  const { notify, env, signal } = options;
  const ending = new AbortController();
  void signal.then(() => ending.abort());
  let state: StandbyState | undefined;
  let server: HttpServer | undefined;
  const report = () => {
    if (state) notify(`READY=1\nWATCHDOG=1\nSTATUS=${standbyText(state)}`);
  };
  const notifyMs = (watchdogMsOf(env, process.pid) ?? 3 * NOTIFY_MS) / 3;
  const timer = setInterval(report, notifyMs);
  try {
    return await wait(async (next) => {
      const isFirst = state === undefined;
      state = next;
      if (!isFirst) return;
      report();
      server = await listen(createHealth(() => state ?? next, options), options);
    }, ending.signal);
  } finally {
    clearInterval(timer);
    await server?.close(); // the lease holds already
  }
}

/** Answers requests: this process has no account. */
function createHealth(
  state: () => StandbyState,
  { config: { http }, commandKey, log }: StandByOptions,
): RequestHandler {
  return createStandbyHealth(state, {
    token: http.token?.reveal(),
    commandKey,
    hosts: http.hosts,
    build: readBuild(),
    onError: (error) => log.error("A request failed", { error }),
  });
}

/** Answers health checks; without a free port, the process stands by all the same. */
async function listen(
  answer: RequestHandler,
  { config: { http }, isPortWritten, commandKey, instance, log }: StandByOptions,
): Promise<HttpServer | undefined> {
  const listening = await listenForHealth(
    { bind: http.bind, port: http.port, token: http.token?.reveal() },
    { isWritten: isPortWritten, isRequired: http.required },
    answer,
    startHttpServer,
  );
  if (listening.kind === "none") {
    instance.setPortInUse(http.port);
    log.warn("Another program uses http.port, so this standby has no health checks");
    return undefined;
  }
  const { server } = listening;
  const address = `${urlHostOf(server.addresses[0] ?? "127.0.0.1")}:${server.port}`;
  instance.setHttp(address, commandKey);
  log.info("Barnacle is standing by", { pid: process.pid, health: `http://${address}/healthz` });
  return server;
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
