/**
 * Shows a standby to the outside: health checks, metrics and status requests, and the service manager
 * (O15).
 *
 * A standby has neither accounts nor an open store. It is healthy while it can take over, and never
 * ready, because it answers no message.
 */

import process from "node:process";
import type { BotConfig } from "../../config/config.ts";
import type { SharedStoreState } from "../../core/shared_store.ts";
import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import { listenForHealth } from "../../host/listen.ts";
import { type Notify, watchdogMsOf } from "../../host/process/sd_notify.ts";
import { cpuSec, residentBytes } from "../../host/process/usage.ts";
import { createApp, type HttpHandler } from "../../http/app.ts";
import { createMetrics } from "../../http/metrics.ts";
import type { Snapshot } from "../../http/snapshot.ts";
import type { Env } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import { readBuild } from "../shared/build.ts";
import type { Instance } from "../shared/sole_instance.ts";

/** Time between two notes to the service manager, if its watchdog expects none sooner. */
const NOTIFY_MS = 5_000;

/** The state of a process that waits for the lease. */
export interface StandbyState {
  /** Owner, lag and processes. */
  readonly shared: SharedStoreState;
  readonly isCopied: boolean;
}

export interface HealthOptions {
  readonly config: Pick<BotConfig, "http">;
  /** Whether the config names `http.port`. */
  readonly isPortWritten: boolean;
  readonly env: Env;
  readonly log: Log;
  readonly notify: Notify;
  readonly instance: Pick<Instance, "setHttp" | "setPortInUse">;
  /** The secret by which commands see details. */
  readonly commandKey: string;
}

/** Creates it; it listens once there is a state to show. */
export function createStandbyHealth(options: HealthOptions) {
  const { env, notify } = options;
  let state: StandbyState | undefined;
  let server: HttpServer | undefined;
  const tell = () => {
    if (state) notify(`READY=1\nWATCHDOG=1\nSTATUS=${standbyText(state)}`);
  };
  const timer = setInterval(tell, (watchdogMsOf(env, process.pid) ?? 3 * NOTIFY_MS) / 3);
  return {
    async show(next: StandbyState): Promise<void> {
      const isFirst = state === undefined;
      state = next;
      if (!isFirst) return;
      tell();
      server = await listen(createHandler(() => state ?? next, options), options);
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await server?.close();
    },
  };
}

function standbyText({ shared: { owner, problem }, isCopied }: StandbyState): string {
  if (problem !== undefined) return `Cannot take over: ${problem}`;
  return isCopied ? `Standing by for ${owner}` : `Copying the store of ${owner}`;
}

/** Answers requests as a bot without accounts does. */
function createHandler(
  state: () => StandbyState,
  { config: { http }, commandKey, log }: HealthOptions,
): HttpHandler {
  const build = readBuild();
  const startedAt = Date.now();
  const snapshot = (): Snapshot => {
    const { shared, isCopied } = state();
    const now = Date.now();
    return {
      phase: isCopied ? "standby" : "starting",
      startedAt,
      mainTickAt: now,
      accounts: [],
      store: {
        probeMs: 0,
        isFailing: shared.problem !== undefined,
        probedAt: now,
        answeredAt: now,
      },
      shared,
      inbox: { waiting: 0, running: 0, oldestMs: 0 },
      outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, oldestMs: 0 },
      models: [],
      mcpServers: [],
      eventLoopLagMs: 0,
      rssBytes: residentBytes(),
    };
  };
  return createApp({
    token: http.token?.reveal(),
    commandKey,
    publicUrl: http.publicUrl,
    build,
    onError: (error) => log.error("A request failed", { error }),
    snapshot,
    measure: () => Promise.resolve(snapshot()),
    usage: () => ({ cpuSec: cpuSec() }),
    metrics: createMetrics(build),
    now: () => Date.now(),
  });
}

/** Listens for health checks; without a free port, the process stands by all the same. */
async function listen(
  handler: HttpHandler,
  { config: { http }, isPortWritten, commandKey, instance, log }: HealthOptions,
): Promise<HttpServer | undefined> {
  const listening = await listenForHealth(
    { bind: http.bind, port: http.port, token: http.token?.reveal(), publicUrl: http.publicUrl },
    { isWritten: isPortWritten, isRequired: http.required },
    handler,
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
