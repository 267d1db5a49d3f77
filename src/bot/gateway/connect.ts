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
import {
  type Gateway,
  type GatewayEvents,
  type GatewayFinal,
  startGateway,
} from "../../discord/gateway/main/thread.ts";
import { userAgentOf } from "../../discord/rest/client/client.ts";
import { API_VERSION } from "../../discord/rest/client/send.ts";
import type { Directory } from "../../discord/rest/calls/directory.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { type GatewayPlace, locateGateway } from "../../flows/preflight/locate_gateway.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredAccount } from "../../store/gateway/accounts.ts";
import type { Store } from "../../store/store.ts";
import { chooseForAccount, type IntentChoice } from "./intent_choice.ts";
import { createPermits, firstIdentifyInMs, type PermitsPorts } from "./permits.ts";
import { relocateWhileDown } from "./relocate.ts";
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
export type Connection = Pick<Gateway, "committed" | "stats" | "stop">;

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
 * the checkbox may have been cleared since somebody looked.
 */
async function openGateway(
  options: ConnectOptions,
  ports: ConnectPorts,
  place: GatewayPlace,
  intents: IntentChoice,
): Promise<Connection> {
  const { config: { discord }, thread, token, isConnectionDebug, workerUrl } = options;
  const { apiBase, version } = options;
  const { store, now, log, proxyFor } = ports;
  const { accountId, gateway: { compress, tcpKeepaliveSec, reconnect } } = discord;
  const count = discord.gateway.shards === "auto" ? place.shards : discord.gateway.shards;
  const fixed = {
    token,
    compress,
    tcpKeepaliveSec,
    reconnect,
    presence: discord.presence,
    shardCount: count,
    maxConcurrency: place.limit.maxConcurrency,
    restUrl: `${apiBase}/v${API_VERSION}`,
    userAgent: userAgentOf(version),
    isConnectionDebug,
    dispatches: READ_TYPES,
  };
  let { url } = place;
  let current: Gateway | undefined;
  /** Of the threads before this one: each counts its tickets from 1. */
  let ticketsBefore = 0;
  let lastTicket = 0;
  const ready = new Set<number>();
  let isStopped = false;

  const shardsToStart = await planSessions(options, ports, count, intents);
  ports.onShards(count);

  const permits = createPermits({
    store,
    accountId,
    now,
    answer: (shardId, answer) => current?.permit(shardId, answer),
    onBudget: ports.onBudget,
    log,
  });

  function open(shards: PlannedShards): Gateway {
    ports.onIntents(intents.now.missing);
    ticketsBefore = lastTicket;
    const proxy = proxyFor(url);
    return startGateway(
      {
        ...fixed,
        url,
        intents: intents.now.bits,
        ...(proxy !== undefined && { proxy }),
        shards,
      },
      {
        onBatch(batch) {
          lastTicket = ticketsBefore + batch.ticket;
          ports.onBatch({ ...batch, ticket: lastTicket });
        },
        onState(shardId, state) {
          if (state.state === "ready") ready.add(shardId);
          else ready.delete(shardId);
          ports.onState(shardId, state);
        },
        onBeat: ports.onBeat,
        onDelay: ports.onDelay,
        onPermitWanted: permits,
        onLog: (level, event, fields) => log[level](event, fields),
        onFinal(final) {
          onFinal(final).catch((error: unknown) => {
            log.error("Cannot go on without the intent", { error });
            ports.onFinal(final);
          });
        },
      },
      { workerUrl, ...(thread && { takeThread: thread.take }), now, random: Math.random },
    );
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
    await current?.stop();
    if (!isStopped) current = open(shardsToStart.map(({ id }) => ({ id, identifyInMs: 0 })));
  }

  const stopRelocating = relocateWhileDown(
    {
      isUp: () => ready.size === count,
      url: () => url,
      onMoved(moved) {
        url = moved;
        current?.setUrl(moved);
      },
    },
    { ...ports, accountId },
  );
  const first = current = open(shardsToStart);
  const live = (): Gateway => current ?? first;

  return {
    committed: (ticket) => live().committed(ticket - ticketsBefore),
    stats: () => live().stats(),
    stop() {
      isStopped = true;
      stopRelocating();
      return live().stop();
    },
  };
}
