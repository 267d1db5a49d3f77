/**
 * The composition root: the bot's parts are made and joined here and in `bot/`,
 * and nowhere else.
 *
 * @module
 */

import process from "node:process";
import { Worker } from "node:worker_threads";
import { type Account, type RunningAccount, startAccount } from "./bot/account.ts";
import { type AccountEnd, endOf } from "./bot/account_end.ts";
import { createAdoption } from "./bot/adoption.ts";
import { createMeter } from "./bot/meters.ts";
import { restOf } from "./bot/rest.ts";
import { type Said, startVitals } from "./bot/vitals.ts";
import type { PingResult } from "./bot/watchdog.ts";
import type { Config } from "./config/config.ts";
import { type EarlyThread, holdThread } from "./discord/gateway/early_thread.ts";
import { createApplications } from "./discord/rest/application.ts";
import type { AnswerHooks } from "./discord/rest/exchange.ts";
import { createApp, type HttpHandler } from "./http/app.ts";
import { type Build, createMetrics, type ProcessUsage } from "./http/metrics.ts";
import type { Snapshot } from "./http/snapshot.ts";
import type { Logging } from "./log.ts";
import type { StoredAccount } from "./store/accounts.ts";
import type { Store } from "./store/store.ts";

/** Why a bot ended by itself. */
export type BotEnd = AccountEnd;

export interface BotOptions {
  readonly config: Config;
  /** Absent where none is enabled (C7): the bot then tells how it is, and no more. */
  readonly account?: Account;
  /** Open, and this process's alone; whoever opened it closes it. */
  readonly store: Store;
  readonly logging: Logging;
  readonly build: Build;
  readonly isConnectionDebug: boolean;
  /** For what it says of proxies and of the host. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From {@link loadGatewayThread}; whoever loaded it closes it. */
  readonly thread?: EarlyThread;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export type { Account };

export interface Bot {
  /** Answers health, metrics and status; it needs a socket from `host/`. */
  readonly http: HttpHandler;
  /** How it is, as every outlet of its health reads it. */
  readonly snapshot: () => Snapshot;
  /** Counts what the service manager was told. */
  readonly onPing: (result: PingResult) => void;
  /** Resolves if the bot cannot go on; never after {@link Bot.stop}. */
  readonly ended: Promise<BotEnd>;
  /** Takes no new turn, lets running ones end, sends what is ready, closes resumable (G12). */
  stop(): Promise<void>;
}

/** Made here, at the top of `src/`: a compiled binary finds no worker that is named deeper. */
const WORKER_URL = new URL("./worker.ts", import.meta.url);

/** Loads the gateway's thread ahead of the bot: on a core of its own it costs a start no time. */
export function loadGatewayThread(): EarlyThread {
  return holdThread(new Worker(WORKER_URL));
}

const now = (): number => Date.now();

/** Of a bot that has no account, or none yet. */
const NOTHING_SAID: Said = {
  catchUp: { pending: 0, unreadable: [] },
  findings: [],
  parked: [],
  rest: { invalidRequests: 0, breaker: "closed" },
};

/** Makes the bot and sets it going; what can heal by itself does not keep it from starting. */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { config, account, store, logging, build } = options;
  const { accountId } = config.discord;
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<BotEnd>();
  const startedAt = now();
  const leaving = new AbortController();
  let stored: StoredAccount = { shards: [] };
  let running: RunningAccount | undefined;

  const metrics = createMetrics(build);
  const meter = createMeter(metrics);
  const vitals = startVitals({
    store,
    accountId,
    isEnabled: account !== undefined,
    ...(account && { modelId: account.model.id }),
    heardAt: (id) => stored.shards.find(({ shardId }) => shardId === id)?.aliveAt ?? startedAt,
    metrics,
    gateway: () => running?.stats(),
    said: () => running?.said() ?? NOTHING_SAID,
    committed: () => running?.committed() ?? 0,
    onDurable: (ticket) => running?.durable(ticket),
    now,
    log: logging.forPart("health"),
  });
  const http = createApp({
    snapshot: vitals.snapshot,
    usage: processUsage,
    metrics: {
      ...metrics,
      text(snapshot, usage, at) {
        const stats = running?.stats();
        if (stats) meter.gateway(stats);
        return metrics.text(snapshot, usage, at);
      },
    },
    build,
    now,
    ...(config.http.token && { token: config.http.token.reveal() }),
    hosts: config.http.hosts,
    onError: (error) => logging.forPart("http").error("A request failed", { error }),
  });

  async function start(account: Account): Promise<void> {
    stored = await store.loadAccount(accountId);
    const own = { version: build.version, workerUrl: WORKER_URL, stored };
    running = await startAccount({ ...options, ...account, ...own }, { vitals, meter, now, onEnd });
  }

  const starting = account && await startOwn(account, options, leaving.signal, start, onEnd);
  vitals.setPhase("running");

  return {
    http,
    snapshot: vitals.snapshot,
    onPing: (result) => metrics.watchdogPings.inc({ result }),
    ended,
    async stop() {
      vitals.setPhase("draining");
      leaving.abort();
      await starting?.done;
      await running?.stop();
      vitals.stop();
    },
  };
}

/**
 * Starts an account of which the store is; what is of another bot is taken over first, which may
 * take as long as Discord is away, and is not waited for.
 */
async function startOwn(
  account: Account,
  { config, store, logging, build }: BotOptions,
  stopping: AbortSignal,
  start: (account: Account) => Promise<void>,
  onEnd: (end: BotEnd) => void,
): Promise<{ readonly done: Promise<void> }> {
  const { accountId } = config.discord;
  const adoption = createAdoption({ ...account, accountId }, {
    store,
    async applications() {
      const client = await restOf({ ...account, config, version: build.version, store }, {
        onRequest: () => {},
        onTokenRefused: () => {}, // its answer says so, too
        onStopped: () => {},
        now,
        log: logging.forPart("inbox"),
      });
      stopping.addEventListener("abort", () => client.stop(), { once: true });
      return createApplications(client);
    },
    stopping,
    log: logging.forPart("inbox"),
  });
  if (await adoption.isOurs()) {
    await start(account);
    return { done: Promise.resolve() };
  }
  const done = adoption.takeOver().then(() => start(account)).catch((error: unknown) => {
    if (!stopping.aborted) onEnd(endOf(error));
  });
  return { done };
}

function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return { cpuSec: (user + system) / 1_000_000 };
}
