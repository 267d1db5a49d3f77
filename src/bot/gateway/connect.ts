/**
 * Connects an account: finds the gateway, and starts its thread.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayInfo } from "../../core/discord/gateway_info.ts";
import type { Config } from "../../config/config.ts";
import { DAY_MS } from "../../core/discord/day.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { EarlyThread } from "../../discord/gateway/main/early_thread.ts";
import { type ChosenIntents, READ_TYPES } from "../../discord/gateway/read/intents.ts";
import type { Presence } from "../../core/discord/presence.ts";
import type { GatewayEvents, GatewayFinal } from "../../discord/gateway/main/thread.ts";
import { userAgentOf } from "../../discord/rest/client/client.ts";
import { API_VERSION } from "../../discord/rest/client/send.ts";
import type { ReadGatewayInfo } from "../../discord/rest/calls/gateway_info.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { locateGateway } from "../../flows/preflight/locate_gateway.ts";
import type { Log } from "../../lib/log.ts";
import { createIntentChoice, type IntentChoice } from "./intent_choice.ts";
import { firstIdentifyInMs, type PermitsPorts } from "./permits.ts";
import { startRelocating } from "./relocate.ts";
import {
  createGatewayThreads,
  type GatewayThreads,
  type ThreadOptions,
} from "./gateway_threads.ts";
import { planResumes, type ShardPlan } from "./shards.ts";
import type { ApplicationAnswer, StoredAccount } from "../../core/store/gateway.ts";
import type { Store } from "../../core/store/store.ts";

/** The settings and stored facts that a connection starts with. */
export interface ConnectOptions {
  /** The account's config. */
  readonly config: Config;
  /** The bot's token, a secret. */
  readonly token: string;
  /** Base URL of Discord's REST API, without its version. */
  readonly apiBase: string;
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  /** Whether to log every gateway event. */
  readonly isConnectionDebug: boolean;
  /** URL of the gateway worker; a compiled binary finds no worker in a deeper path. */
  readonly workerUrl: URL;
  /** The gateway thread, loaded ahead. */
  readonly thread?: EarlyThread;
  /** The account's row in the store. */
  readonly stored: StoredAccount;
  /**
   * Whether the guild index is complete. A resumed session does not send the guilds again. Called
   * only if there is a session to resume, because the index takes long to load.
   */
  readonly mayResume: () => Promise<boolean>;
}

/** The dependencies and events of a connection. */
export interface ConnectPorts
  extends
    Omit<GatewayEvents, "onLog" | "onPermitWanted">,
    Pick<PermitsPorts, "isHolding" | "onBudget"> {
  /** Asks Discord for the gateway address. */
  readonly readGatewayInfo: ReadGatewayInfo;
  /** Reads the application, whose flags show the intents that the portal grants. */
  readonly readApplication: () => Promise<ApplicationAnswer>;
  /** Returns the proxy for a URL, if one is configured (G15). */
  readonly proxyFor: (url: string) => string | undefined;
  /** The presence to start with. */
  readonly presence: () => Presence;
  /** Methods of the store. */
  readonly store: Pick<
    Store["gateway"],
    | "saveGateway"
    | "saveApplication"
    | "saveIntents"
    | "reshard"
    | "takeIdentify"
    | "identifyBudget"
    | "identifyInMs"
    | "forgetRefused"
  >;
  /** The number of shards is known. */
  readonly onShards: (count: number) => void;
  /** Reports wanted intents that Discord does not grant. */
  readonly onIntents: (missing: ChosenIntents["missing"]) => void;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/**
 * The gateway as the account uses it. This module decides which thread serves it, and at which
 * address.
 */
export type Connection = Pick<
  GatewayThreads,
  "committed" | "setForms" | "setPresence" | "stats" | "stop"
>;

/**
 * How long stored facts on the gateway and the application are used without asking, in
 * milliseconds.
 */
const FRESH_MS = DAY_MS;

/** The gateway closed with 4014: it refuses the intents. */
const DISALLOWED_INTENTS = 4014;

/**
 * Connects an account, and resumes the sessions of the last run where possible.
 *
 * @throws {RestError} If Discord refuses the token.
 */
export async function connect(options: ConnectOptions, ports: ConnectPorts): Promise<Connection> {
  const { config: { discord }, stored } = options;
  const { readGatewayInfo, store, stopping, now, log } = ports;
  const { accountId } = discord;
  const { gateway: url, limit } = stored;
  stopping.throwIfAborted();
  const place = await locateGateway(
    url && limit && {
      place: { url: url.url, shards: limit.shards, limit },
      isFresh: now() - url.at < FRESH_MS,
    },
    {
      async ask() {
        try {
          return await readGatewayInfo();
        } catch (error) {
          stopping.throwIfAborted(); // the stop ended the request: no failure, and no further attempt
          throw error;
        }
      },
      // A captive portal or a proxy may answer with any status; only Discord judges tokens.
      isTransient: (error) => error instanceof RestError && error.kind !== "unauthorized",
      save: (found) => store.saveGateway(accountId, found, now()),
      sleep: (ms) => sleep(ms, undefined, { signal: stopping }),
      random: Math.random,
      log,
    },
  );
  const intents = await createIntentChoice(options, ports);
  stopping.throwIfAborted();
  return await openGateway(options, ports, place, intents);
}

type PlannedShards = ShardPlan["shards"];

/** Decides which shards resume, and stores the resulting changes. */
async function planSessions(
  options: ConnectOptions,
  ports: ConnectPorts,
  count: number,
  intents: IntentChoice,
): Promise<PlannedShards> {
  const { config: { discord }, stored } = options;
  const { accountId, gateway: { reconnect } } = discord;
  const { store, now, log } = ports;
  const facts = {
    count,
    stored,
    sessionCacheTtlSec: reconnect.sessionCacheTtlSec,
    resumeSession: reconnect.resumeSession,
    intents: intents.now.bits,
    identifyInMs: await firstIdentifyInMs(accountId, ports),
    now: now(),
  };
  const plan = await planResumes(facts, options.mayResume);
  for (const { shardId, aliveAt, why } of plan.lost) {
    const since = new Date(aliveAt).toISOString();
    log.warn("The last session cannot be resumed", { shardId, since, why });
  }
  if (plan.isResharded) {
    log.info("The number of shards has changed", { was: stored.shardCount, is: count });
  }
  if (stored.shardCount !== count || plan.hasOtherIntents) {
    await store.reshard(accountId, count, now());
  }
  await intents.save();
  return plan.shards;
}

/**
 * Starts the gateway thread, and another one with fewer intents if Discord refuses the first. The
 * operator may have cleared the checkbox since the flags were read.
 */
async function openGateway(
  options: ConnectOptions,
  ports: ConnectPorts,
  place: GatewayInfo,
  intents: IntentChoice,
): Promise<Connection> {
  const { accountId } = options.config.discord;
  const { log } = ports;
  const gateway = gatewayOptionsOf(options, place, ports.presence());
  const shards = await planSessions(options, ports, gateway.shardCount, intents);
  ports.onShards(gateway.shardCount);
  let isStopped = false;

  const threads = createGatewayThreads(gateway, {
    ...ports,
    accountId,
    onFinal(final) {
      onFinal(final).catch((error: unknown) => {
        log.error("Cannot continue without the intent", { error });
        ports.onFinal(final);
      });
    },
    workerUrl: options.workerUrl,
    takeThread: options.thread?.take,
    random: Math.random,
  });

  const stopRelocating = startRelocating(
    { isUp: threads.isUp, url: threads.url, onMoved: threads.setUrl },
    { ...ports, accountId },
  );

  function open(starts: PlannedShards): void {
    ports.onIntents(intents.now.missing);
    threads.open(starts, intents.now.bits);
  }

  async function onFinal(final: GatewayFinal): Promise<void> {
    if (final.kind === "stop") await forgetRefused(accountId, ports); // no session began
    const isRefused = final.kind === "stop" && final.code === DISALLOWED_INTENTS;
    const goesOn = isRefused && await intents.chooseFewer();
    if (!goesOn || isStopped) {
      stopRelocating();
      return ports.onFinal(final);
    }
    await intents.save();
    log.warn("Discord does not grant a requested intent; continuing without it", {
      missing: intents.now.missing.join(", "),
    });
    await threads.stop();
    if (!isStopped) open(shards.map(({ id }) => ({ id, identifyInMs: 0 })));
  }

  open(shards);

  return {
    committed: threads.committed,
    setForms: threads.setForms,
    stats: threads.stats,
    setPresence: threads.setPresence,
    stop() {
      isStopped = true;
      stopRelocating();
      return threads.stop();
    },
  };
}

async function forgetRefused(
  accountId: AccountId,
  { store, log }: Pick<ConnectPorts, "store" | "log">,
): Promise<void> {
  try {
    await store.forgetRefused(accountId);
  } catch (error) {
    log.warn("Cannot store that Discord has refused an IDENTIFY", { error });
  }
}

/** Options shared by the gateway's threads, whichever intents they request. */
function gatewayOptionsOf(
  { config: { discord }, token, apiBase, version, isConnectionDebug }: ConnectOptions,
  { url, shards, limit: { maxConcurrency } }: GatewayInfo,
  presence: Presence,
): ThreadOptions {
  const { compress, tcpKeepaliveSec, reconnect } = discord.gateway;
  return {
    url,
    token,
    compress,
    tcpKeepaliveSec,
    reconnect,
    presence,
    shardCount: discord.gateway.shards === "auto" ? shards : discord.gateway.shards,
    maxConcurrency,
    restUrl: `${apiBase}/v${API_VERSION}`,
    userAgent: userAgentOf(version),
    isConnectionDebug,
    dispatches: READ_TYPES,
  };
}
