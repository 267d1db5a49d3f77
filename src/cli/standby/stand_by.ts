/**
 * Runs a process as a standby until it owns the store: with health checks, a service manager that
 * knows it is well, and an end by a signal (O15).
 */

import process from "node:process";
import { setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { BotConfig } from "../../config/config.ts";
import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import { type Notify, watchdogMsOf } from "../../host/process/sd_notify.ts";
import type { Env } from "../../lib/env.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import type { Log } from "../../lib/log.ts";
import { listenForHealth } from "../../host/listen.ts";
import { type Instance, InstanceTakenError } from "../shared/sole_instance.ts";
import { readBuild } from "../shared/build.ts";
import { VERSION } from "../../version.ts";
import { createStandbyHealth, type StandbyState, standbyText } from "./health.ts";
import type { BotOptions, Setup } from "../../bot.ts";
import type { WaitingFleet } from "../asking/fleet_store.ts";
import type { Snapshot } from "../../http/snapshot.ts";
import type { HttpHandler } from "../../http/app.ts";
import { toStartError } from "../shared/start_error.ts";
import { markOf } from "./refuse.ts";
import { type PartitionsOptions, type SharedPartitions, sharePartitions } from "./partitions.ts";

/** How long to wait for the lock of a token, which the last owner releases after its lease. */
const TOKEN_LOCK_MS = 5_000;
const LOOK_MS = 50;

/** Time between two reports to the service manager, if its watchdog expects none sooner. */
const REPORT_MS = 5_000;

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
  readonly openStore: PartitionsOptions["openStore"];
  /** Begins to answer commands and the dashboard, by asking other processes (O15, O16). */
  readonly serveWaiting: (fleet: WaitingFleet, self: WaitingSelf) => Promise<WaitingAnswers>;
}

/** This process while it waits, as outputs show it. */
export interface WaitingSelf {
  /** Answers health checks. */
  readonly http: HttpHandler;
  readonly snapshot: () => Snapshot;
  /** Address of the HTTP server; absent: there is none. */
  readonly base: string | undefined;
}

/** Answers until it is closed. */
export interface WaitingAnswers {
  /** Answers requests of the dashboard, and the process's own. */
  readonly answer: RequestHandler;
  /** Ends the dashboard, and closes the socket of commands. */
  close(): Promise<void>;
}

/**
 * Waits until this process owns the store, or a partition of it.
 *
 * @returns `undefined` if a signal came first.
 * @throws {StartError} If PostgreSQL cannot be used.
 * @throws {InstanceTakenError} If the bot has one store, and another process of this machine runs with
 * a token of it, too.
 */
async function standBy(options: StandByOptions): Promise<SharedPartitions | undefined> {
  const { log, signal, config: { store: { partitions }, shutdown } } = options;
  let fleet: WaitingFleet | undefined;
  const share = await whileWaiting(options, (given) =>
    sharePartitions({
      ...options,
      ...given,
      partitions,
      onFleet: (next) => void (fleet = next),
      onFailed(error) {
        const { message, code } = toStartError(error);
        log.error(message);
        process.exit(code);
      },
    }), () => fleet);
  if (!share) return undefined;
  try {
    if (partitions === 1) await takeTokens(options, share.first.shared.isTakenOver);
  } catch (error) {
    await share.close();
    throw error;
  }
  void signal.then(() => void setTimeout(share.hurry, shutdown.graceSec * 1_000).unref());
  return share;
}

/** The store of a process that shares it. */
export interface OwnedStore extends
  Pick<
    BotOptions,
    "store" | "partition" | "mayAct" | "invalidElsewhere" | "shared" | "acceptEvent"
  > {
  /** The partitions that this process shares with others; absent: the store is not in PostgreSQL. */
  readonly share?: SharedPartitions;
  /** Closes the store, and ends the lease. */
  close(): Promise<void>;
}

/**
 * Waits until this process owns the store or a partition of it, and opens that.
 *
 * @returns `undefined` if a signal came first.
 * @throws {StartError} If PostgreSQL cannot be used.
 */
export async function waitForStore(options: StandByOptions): Promise<OwnedStore | undefined> {
  const { config: { store: { partitions: count } } } = options;
  const share = await standBy(options);
  if (!share) return undefined;
  const { index, store, shared: { mayAct } } = share.first;
  return {
    store,
    partition: { index, count },
    mayAct,
    shared: share.state,
    share,
    close: share.close,
    ...(count > 1 && {
      invalidElsewhere: share.invalidElsewhere(index),
      acceptEvent: share.acceptEvent, // an only owner stores it at once
    }),
  };
}

/**
 * Answers health checks while this process waits.
 *
 * @param fleet The processes that answer commands for this one, once it can ask them.
 */
async function whileWaiting<Waited>(
  options: StandByOptions,
  wait: (
    given: Pick<PartitionsOptions, "bots" | "version" | "signal" | "onStandby" | "onLost">,
  ) => Promise<Waited | undefined>,
  fleet: () => WaitingFleet | undefined,
): Promise<Waited | undefined> {
  const { log, notify, env, signal } = options;
  const ending = new AbortController();
  void signal.then(() => ending.abort());
  let state: StandbyState | undefined;
  let server: HttpServer | undefined;
  let waiting: WaitingAnswers | undefined;
  const health = createHealth(() => state, options);
  const answer: RequestHandler = (...asked) => (waiting?.answer ?? health.http)(...asked);

  /** Only once others have all partitions: a process that starts soon has its own. */
  async function answerCommands(): Promise<void> {
    const others = fleet();
    if (waiting || !others || others.ownerless().length > 0) return;
    const base = server && `http://${addressOf(server)}`;
    waiting = await options.serveWaiting(others, { ...health, base });
  }

  const report = () => {
    if (state) notify(`READY=1\nWATCHDOG=1\nSTATUS=${standbyText(state)}`);
  };
  const reportMs = (watchdogMsOf(env, process.pid) ?? 3 * REPORT_MS) / 3;
  const timer = setInterval(report, reportMs);
  try {
    const waited = await wait({
      bots: Array.from(options.accounts.values(), (one) => markOf(one.token, one.apiBase)),
      version: VERSION,
      signal: ending.signal,
      async onStandby(next) {
        const isFirst = state === undefined;
        state = next;
        if (isFirst) {
          report();
          server = await listen(answer, options);
        }
        await answerCommands();
      },
      onLost: (code) => process.exit(code),
    });
    if (!waited) log.info("Barnacle has stopped standing by");
    return waited;
  } finally {
    clearInterval(timer);
    await Promise.all([waiting?.close(), server?.close()]); // the lease holds already
  }
}

/** This process, as outputs show it: it has no account. */
function createHealth(
  state: () => StandbyState | undefined,
  { config: { http }, commandKey, log }: StandByOptions,
): ReturnType<typeof createStandbyHealth> {
  return createStandbyHealth(() => {
    const known = state();
    if (known) return known;
    throw new Error("This process has not looked at the store yet");
  }, {
    token: http.token?.reveal(),
    commandKey,
    hosts: http.hosts,
    build: readBuild(),
    onError: (error) => log.error("A request failed", { error }),
  });
}

function addressOf({ addresses, port }: HttpServer): string {
  return `${urlHostOf(addresses[0] ?? "127.0.0.1")}:${port}`;
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
  const address = addressOf(server);
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
  for (let waitedMs = 0;; waitedMs += LOOK_MS) {
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
      await sleep(LOOK_MS);
    }
  }
}
