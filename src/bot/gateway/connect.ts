/**
 * Connects an account: finds the gateway, and starts its thread.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { DAY_MS } from "../../core/discord/day.ts";
import type { EarlyThread } from "../../discord/gateway/main/early_thread.ts";
import type { ChosenIntents } from "../../discord/gateway/read/intents.ts";
import { READ_TYPES } from "../../discord/gateway/read/reader.ts";
import type { GatewayEvents, GatewayFinal } from "../../discord/gateway/main/thread.ts";
import { userAgentOf } from "../../discord/rest/client/client.ts";
import { API_VERSION } from "../../discord/rest/client/send.ts";
import type { Directory } from "../../discord/rest/calls/directory.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { type GatewayPlace, locateGateway } from "../../flows/preflight/locate_gateway.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredAccount } from "../../store/gateway/accounts.ts";
import type { Store } from "../../store/store.ts";
import { chooseForAccount, type IntentChoice } from "./intent_choice.ts";
import { firstIdentifyInMs, type PermitsPorts } from "./permits.ts";
import { relocateWhileDown } from "./relocate.ts";
import {
  createGatewayThreads,
  type GatewayThreads,
  type ThreadOptions,
} from "./gateway_threads.ts";
import { planShards } from "./shards.ts";

export interface ConnectOptions {
  readonly config: Config;
  readonly token: string;
  /** Base of Discord's REST API, without its version. */
  readonly apiBase: string;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly isConnectionDebug: boolean;
  /** Of the gateway's thread; a compiled binary finds no worker that is named any deeper. */
  readonly workerUrl: URL;
  /** That thread, loaded ahead. */
  readonly thread?: EarlyThread;
  /** What the store knows of the account. */
  readonly stored: StoredAccount;
  /** Whether all that a resumed session will not tell again is known. */
  readonly mayResume: boolean;
}

export interface ConnectPorts
  extends Omit<GatewayEvents, "onLog" | "onPermitWanted">, Pick<PermitsPorts, "onBudget"> {
  readonly directory: Pick<Directory, "gateway">;
  /** The application's flags: which intents the portal has granted. */
  readonly readFlags: () => Promise<number>;
  /** The proxy that leads to a URL, where one does (G15). */
  readonly proxyFor: (url: string) => string | undefined;
  readonly store: Pick<
    Store["gateway"],
    | "saveGateway"
    | "saveFlags"
    | "saveIntents"
    | "reshard"
    | "takeIdentify"
    | "identifyBudget"
    | "identifyInMs"
  >;
  /** How many shards there are to be. */
  readonly onShards: (count: number) => void;
  /** Intents that are wanted and that Discord does not grant. */
  readonly onIntents: (missing: ChosenIntents["missing"]) => void;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** The gateway as the account uses it: which thread it is, and where, is decided here. */
export type Connection = Pick<GatewayThreads, "committed" | "stats" | "stop">;

/** For how long what Discord said of the gateway, and of the application, is taken without asking. */
const FRESH_MS = DAY_MS;

/** Discord will not have the intents that were asked for. */
const DISALLOWED_INTENTS = 4014;

/**
 * The sessions of the last run are resumed where they may be.
 *
 * @throws {RestError} If Discord refuses the token.
 */
export async function connect(options: ConnectOptions, ports: ConnectPorts): Promise<Connection> {
  const { config: { discord }, stored } = options;
  const { directory, store, stopping, now, log } = ports;
  const { accountId } = discord;
  const { gateway: url, limit } = stored;
  stopping.throwIfAborted();
  const place = await locateGateway(
    url && limit && {
      place: { url: url.url, shards: limit.shards, limit },
      isFresh: now() - url.at < FRESH_MS,
    },
    {
      ask: () => directory.gateway(),
      // A portal before the network, or a proxy, answers with anything; only Discord knows tokens.
      isTransient: (error) => error instanceof RestError && error.kind !== "unauthorized",
      save: (found) => store.saveGateway(accountId, found, now()),
      sleep: (ms) => sleep(ms, undefined, { signal: stopping }),
      random: Math.random,
      log,
    },
  );
  const intents = await chooseForAccount(options, ports);
  stopping.throwIfAborted();
  return await openGateway(options, ports, place, intents);
}

type PlannedShards = ReturnType<typeof planShards>["shards"];

/** Decides which shards resume, and stores what that changes. */
async function planSessions(
  options: ConnectOptions,
  ports: ConnectPorts,
  count: number,
  intents: IntentChoice,
): Promise<PlannedShards> {
  const { config: { discord }, stored } = options;
  const { accountId, gateway: { reconnect } } = discord;
  const { store, now, log } = ports;
  const plan = planShards({
    count,
    stored,
    sessionCacheTtlSec: reconnect.sessionCacheTtlSec,
    resumeSession: reconnect.resumeSession,
    isComplete: options.mayResume,
    intents: intents.now.bits,
    identifyInMs: await firstIdentifyInMs(accountId, ports),
    now: now(),
  });
  for (const { shardId, aliveAt, why } of plan.lost) {
    const since = new Date(aliveAt).toISOString();
    log.warn("The last session cannot be resumed", { shardId, since, why });
  }
  if (plan.isResharded) {
    log.info("The bot has another number of shards now", { was: stored.shardCount, is: count });
  }
  if (stored.shardCount !== count || plan.hasOtherIntents) {
    await store.reshard(accountId, count, now());
  }
  await intents.save();
  return plan.shards;
}

/**
 * Starts the thread, and another one with fewer intents where Discord turns the first one away:
 * the checkbox may have been cleared since the last look at it.
 */
async function openGateway(
  options: ConnectOptions,
  ports: ConnectPorts,
  place: GatewayPlace,
  intents: IntentChoice,
): Promise<Connection> {
  const { accountId } = options.config.discord;
  const { log } = ports;
  const gateway = gatewayOptionsOf(options, place);
  const shards = await planSessions(options, ports, gateway.shardCount, intents);
  ports.onShards(gateway.shardCount);
  let isStopped = false;

  const threads = createGatewayThreads(gateway, {
    ...ports,
    accountId,
    onFinal(final) {
      onFinal(final).catch((error: unknown) => {
        log.error("Cannot go on without the intent", { error });
        ports.onFinal(final);
      });
    },
    workerUrl: options.workerUrl,
    ...(options.thread && { takeThread: options.thread.take }),
    random: Math.random,
  });

  function open(starts: PlannedShards): void {
    ports.onIntents(intents.now.missing);
    threads.open(starts, intents.now.bits);
  }

  async function onFinal(final: GatewayFinal): Promise<void> {
    const isRefused = final.kind === "stop" && final.code === DISALLOWED_INTENTS;
    const goesOn = isRefused && await intents.chooseFewer();
    if (!goesOn || isStopped) {
      stopRelocating();
      return ports.onFinal(final);
    }
    await intents.save();
    log.warn("Discord does not grant an intent that it was asked for; going on without", {
      missing: intents.now.missing.join(", "),
    });
    await threads.stop();
    if (!isStopped) open(shards.map(({ id }) => ({ id, identifyInMs: 0 })));
  }

  const stopRelocating = relocateWhileDown(
    { isUp: threads.isUp, url: threads.url, onMoved: threads.setUrl },
    { ...ports, accountId },
  );
  open(shards);

  return {
    committed: threads.committed,
    stats: threads.stats,
    stop() {
      isStopped = true;
      stopRelocating();
      return threads.stop();
    },
  };
}

/** What the gateway's threads have in common, whatever intents they ask for. */
function gatewayOptionsOf(
  { config: { discord }, token, apiBase, version, isConnectionDebug }: ConnectOptions,
  { url, shards, limit: { maxConcurrency } }: GatewayPlace,
): ThreadOptions {
  const { compress, tcpKeepaliveSec, reconnect } = discord.gateway;
  return {
    url,
    token,
    compress,
    tcpKeepaliveSec,
    reconnect,
    presence: discord.presence,
    shardCount: discord.gateway.shards === "auto" ? shards : discord.gateway.shards,
    maxConcurrency,
    restUrl: `${apiBase}/v${API_VERSION}`,
    userAgent: userAgentOf(version),
    isConnectionDebug,
    dispatches: READ_TYPES,
  };
}
