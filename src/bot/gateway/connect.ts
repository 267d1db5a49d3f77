/**
 * Connects an account: finds the gateway, and starts its thread.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { DAY_MS } from "../../core/discord/day.ts";
import type { EarlyThread } from "../../discord/gateway/main/early_thread.ts";
import { chooseIntents, toIntents } from "../../discord/gateway/read/intents.ts";
import { READ_TYPES } from "../../discord/gateway/read/reader.ts";
import {
  type Gateway,
  type GatewayEvents,
  type GatewayFinal,
  startGateway,
} from "../../discord/gateway/main/thread.ts";
import type { Directory } from "../../discord/rest/calls/directory.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { type GatewayPlace, locateGateway } from "../../flows/preflight/locate_gateway.ts";
import type { Log } from "../../lib/log.ts";
import type { StoredAccount } from "../../store/gateway/accounts.ts";
import type { Store } from "../../store/store.ts";
import { createPermits, firstIdentifyInMs, type PermitsPorts } from "./permits.ts";
import { planShards } from "./shards.ts";

export interface ConnectOptions {
  readonly config: Config;
  readonly token: string;
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
  readonly onIntents: (missing: ReturnType<typeof chooseIntents>["missing"]) => void;
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

/** How often the address is asked for anew while nothing connects. */
const RELOCATE_MS = 30_000;

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
  const flags = await flagsOf(options, ports);
  stopping.throwIfAborted();
  return await openGateway(options, ports, place, flags);
}

/**
 * Which intents the portal has granted; `undefined` if nobody can tell, for a bot that has been
 * here before is not to wait for it. Where one was missing it is asked again: whoever was told to
 * switch it on has done so, and has restarted the bot.
 */
async function flagsOf(
  { config: { discord }, stored: { flags } }: ConnectOptions,
  { readFlags, store, now, log }: ConnectPorts,
): Promise<number | undefined> {
  const isFresh = flags !== undefined && now() - flags.at < FRESH_MS;
  const { missing } = chooseIntents(toIntents(discord.gateway.intents), flags?.bits);
  if (isFresh && missing.length === 0) return flags.bits;
  try {
    const bits = await readFlags();
    await store.saveFlags(discord.accountId, bits, now());
    return bits;
  } catch (error) {
    if (error instanceof RestError && error.kind === "unauthorized") throw error;
    log.warn("Cannot ask Discord which intents the bot may have; going by what is known", {
      error,
    });
    return flags?.bits;
  }
}

/**
 * Starts the thread, and another one with fewer intents where Discord turns the first one away:
 * the checkbox may have been cleared since somebody looked.
 */
async function openGateway(
  options: ConnectOptions,
  ports: ConnectPorts,
  place: GatewayPlace,
  flags: number | undefined,
): Promise<Connection> {
  const { config: { discord }, thread, stored, token, isConnectionDebug, workerUrl } = options;
  const { store, now, log, stopping, proxyFor } = ports;
  const { accountId, gateway: { compress, tcpKeepaliveSec, reconnect } } = discord;
  const wanted = toIntents(discord.gateway.intents);
  const count = discord.gateway.shards === "auto" ? place.shards : discord.gateway.shards;
  let { url } = place;
  let chosen = chooseIntents(wanted, flags);
  let current: Gateway | undefined;
  /** Of the threads before this one: each counts its tickets from 1. */
  let ticketsBefore = 0;
  let lastTicket = 0;
  const ready = new Set<number>();
  /** When Discord refused the intents last, in this process. */
  let disallowedAt = -Infinity;
  let isStopped = false;

  const plan = planShards({
    count,
    stored,
    sessionCacheTtlSec: reconnect.sessionCacheTtlSec,
    resumeSession: reconnect.resumeSession,
    isComplete: options.mayResume,
    intents: chosen.bits,
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
  if (stored.intents !== chosen.bits) await saveIntents(chosen);
  ports.onShards(count);

  const permits = createPermits({
    store,
    accountId,
    now,
    answer: (shardId, answer) => current?.permit(shardId, answer),
    onBudget: ports.onBudget,
    log,
  });

  function open(shards: typeof plan.shards): Gateway {
    ports.onIntents(chosen.missing);
    ticketsBefore = lastTicket;
    const proxy = proxyFor(url);
    return startGateway(
      {
        token,
        url,
        intents: chosen.bits,
        compress,
        tcpKeepaliveSec,
        reconnect,
        presence: discord.presence,
        ...(proxy !== undefined && { proxy }),
        shards,
        shardCount: count,
        maxConcurrency: place.limit.maxConcurrency,
        isConnectionDebug,
        dispatches: READ_TYPES,
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

  async function saveIntents({ bits }: typeof chosen): Promise<void> {
    await store.saveIntents(accountId, bits).catch((error: unknown) => {
      log.error("Cannot store the intents; the next start will resume nothing", { error });
    });
  }

  async function onFinal(final: GatewayFinal): Promise<void> {
    const fewer = final.kind === "stop" && final.code === DISALLOWED_INTENTS
      ? await fewerIntents()
      : undefined;
    if (!fewer || isStopped) {
      clearInterval(timer); // nobody will go where it is
      return ports.onFinal(final);
    }
    chosen = fewer;
    await saveIntents(fewer);
    log.warn("Discord does not grant an intent that it was asked for; going on without", {
      missing: fewer.missing.join(", "),
    });
    await current?.stop();
    if (!isStopped) current = open(plan.shards.map(({ id }) => ({ id, identifyInMs: 0 })));
  }

  /**
   * What to ask for after a 4014. It is answered once a day: Discord closes each IDENTIFY that
   * follows where the intents are not the reason, and trying them in turn would spend the budget.
   *
   * @returns `undefined` where it is final.
   */
  async function fewerIntents(): Promise<typeof chosen | undefined> {
    if (now() - disallowedAt < DAY_MS) return undefined;
    disallowedAt = now();
    const found = await ports.readFlags().catch(() => 0); // it said no: that is what is known
    const candidates = [chooseIntents(wanted, found), chooseIntents(wanted, 0)];
    const next = candidates.find(({ bits }) => bits !== chosen.bits);
    const granted = next === candidates[0] ? found : 0;
    await store.saveFlags(accountId, granted, now()).catch((error: unknown) => {
      log.error("Cannot store which intents the bot may have", { error });
    });
    return next;
  }

  /** While nothing connects, somebody is asked whether the gateway is still where it was. */
  async function ask(): Promise<void> {
    const found = await ports.directory.gateway();
    await store.saveGateway(accountId, found, now());
    if (found.url === url) return;
    log.info("The gateway has moved", { to: found.url });
    url = found.url;
    current?.setUrl(url);
  }

  const timer = setInterval(() => {
    if (ready.size === count) return;
    ask().catch((error: unknown) => log.debug("Cannot ask where the gateway is", { error }));
  }, RELOCATE_MS);
  stopping.addEventListener("abort", () => clearInterval(timer), { once: true });
  const first = current = open(plan.shards);
  const live = (): Gateway => current ?? first;

  return {
    committed: (ticket) => live().committed(ticket - ticketsBefore),
    stats: () => live().stats(),
    stop() {
      isStopped = true;
      clearInterval(timer);
      return live().stop();
    },
  };
}
