/**
 * The composition root: the bot's parts are made and joined here and in `bot/`,
 * and nowhere else.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { startAccount } from "./bot/account/account.ts";
import type { AccountEnd } from "./bot/health/account_end.ts";
import { type Applied, createAccounts } from "./bot/account/accounts.ts";
import { createMeter } from "./bot/health/meters.ts";
import { createHttp } from "./bot/process/http.ts";
import { watchWriters } from "./bot/process/writers.ts";
import type { Account, Setup } from "./bot/rules/setup.ts";
import { type ConfigState, startVitals } from "./bot/health/vitals.ts";
import type { PingResult } from "./bot/health/watchdog.ts";
import type { AccountChange } from "./config/changes.ts";
import { createEarlyThread, type EarlyThread } from "./discord/gateway/main/early_thread.ts";
import type { AnswerHooks } from "./discord/rest/exchange/exchange.ts";
import { createTurnRoom } from "./flows/turn/turn_room.ts";
import type { HttpHandler } from "./http/app.ts";
import { type Build, createMetrics } from "./http/metrics.ts";
import type { Snapshot } from "./http/snapshot.ts";
import { schedule } from "./lib/schedule.ts";
import type { Logging } from "./log.ts";
import type { Store } from "./store/store.ts";

/** Why a bot ended by itself. */
export type BotEnd = AccountEnd;

export interface BotOptions {
  readonly setup: Setup;
  /** Open, and this process's alone; whoever opened it closes it. */
  readonly store: Store;
  readonly logging: Logging;
  readonly build: Build;
  /** Whether all that happens on the gateway is logged, whatever the config says. */
  readonly isConnectionDebug: boolean;
  /** For what it says of proxies and of the host. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From {@link loadGatewayThread}; whoever loaded it closes it. */
  readonly thread?: EarlyThread;
  /**
   * Listens for other processes that write to the store.
   *
   * @returns What ends it; `undefined` where they cannot be heard.
   */
  readonly hearWriters: (onWritten: () => void) => (() => void) | undefined;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export type { Account, Setup };

export interface Bot {
  /** Answers health, metrics and status; it needs a socket from `host/`. */
  readonly http: HttpHandler;
  /** How it is, as every outlet of its health reads it. */
  readonly snapshot: () => Snapshot;
  /** Asks the store for its figures, which the next snapshot has; never fails. */
  readonly refresh: () => Promise<void>;
  /** Counts what the service manager was told. */
  readonly onPing: (result: PingResult) => void;
  /** Resolves if the bot cannot go on; never after {@link Bot.stop}. */
  readonly ended: Promise<BotEnd>;
  /**
   * Goes by another setup from now on (C9).
   *
   * @param changes What that means for each account.
   */
  apply(setup: Setup, changes: readonly AccountChange[]): Promise<Applied>;
  /** Whether the config on the disk is the one that runs; health says so. */
  readonly setConfig: (state: ConfigState) => void;
  /** Takes no new turn, lets running ones end, sends what is ready, closes resumable (G12). */
  stop(): Promise<void>;
}

/** Made here, at the top of `src/`: a compiled binary finds no worker that is named deeper. */
const WORKER_URL = new URL("./worker.ts", import.meta.url);

/** Loads a gateway's thread ahead of the bot: on a core of its own it costs a start no time. */
export function loadGatewayThread(): EarlyThread {
  return createEarlyThread(
    new Worker(WORKER_URL),
  );
}

const now = (): number => Date.now();

/** Makes the bot and sets it going; what can heal by itself does not keep it from starting. */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { store, logging, build, hearWriters } = options;
  const { http: { token, hosts } } = options.setup.config;
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<BotEnd>();
  let { setup } = options;

  const metrics = createMetrics(build);
  const meter = createMeter(metrics);
  const vitals = startVitals({
    store,
    metrics,
    now,
    schedule,
    resumableMs: () => resumableMsOf(setup),
    log: logging.forPart("health"),
  });
  vitals.setAccounts(setup.config.accounts);
  const accounts = createAccounts({
    ...options,
    version: build.version,
    workerUrl: WORKER_URL,
  }, {
    startAccount,
    meter,
    room: createTurnRoom(() => setup.config.maxConcurrentTurns),
    vitalsOf: vitals.accountOf,
    now,
    onEnd,
  });
  const http = createHttp(
    { ...(token && { token: token.reveal() }), hosts, build },
    { vitals, accounts, store, metrics, meter, now, log: logging.forPart("http") },
  );
  const stopWatching = watchWriters({
    store,
    hear: hearWriters,
    schedule,
    onWritten: () => accounts.each((running) => running.changedElsewhere()),
    log: logging.forPart("store"),
  });
  await accounts.start();
  vitals.setPhase("running");

  return {
    http,
    snapshot: vitals.snapshot,
    refresh: vitals.refresh,
    onPing: (result) => metrics.watchdogPings.inc({ result }),
    ended,
    async apply(next, changes) {
      setup = next;
      vitals.setAccounts(next.config.accounts);
      return await accounts.apply(next, changes);
    },
    setConfig: vitals.setConfig,
    async stop() {
      vitals.setPhase("draining");
      stopWatching();
      await accounts.stop();
      vitals.stop();
    },
  };
}

/** The shortest time of all accounts for which a session may be resumed, in milliseconds. */
function resumableMsOf({ config }: Setup): number {
  const all = config.accounts.map(({ gateway }) => gateway.reconnect.sessionCacheTtlSec);
  return Math.min(...all) * 1_000;
}
