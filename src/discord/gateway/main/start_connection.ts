/**
 * Connects an account: finds the gateway, starts its thread, and asks Discord for a new address while
 * shards are disconnected.
 */

import type { AccountId } from "../../../core/discord/ids.ts";
import type { GatewayInfo } from "../../../core/discord/gateway.ts";
import type { Presence } from "../../../core/discord/presence.ts";
import type { ApplicationAnswer, StoredAccount } from "../../../core/store/gateway.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { GatewayOptions } from "../link/protocol.ts";
import { type ChosenIntents, type ReactionPlaces, READ_TYPES } from "../read/intents.ts";
import type { EarlyThread } from "./early_thread.ts";
import {
  createGatewayThreads,
  type GatewayThreads,
  type ThreadOptions,
} from "./gateway_threads.ts";
import { firstIdentifyInMs, type PermitsPorts } from "./identify_permits.ts";
import { createIntentChoice, type IntentChoice } from "./intent_choice.ts";
import { planResumes, type ShardPlan } from "./plan_shards.ts";
import type { GatewayEvents, GatewayFinal } from "./thread.ts";
import type { GatewayRecords } from "../../../store/gateway/gateway.ts";

/** The settings and stored facts that a connection starts with. */
export interface ConnectOptions
  extends Pick<GatewayOptions, "token" | "restUrl" | "userAgent" | "isConnectionDebug"> {
  readonly accountId: AccountId;
  readonly gateway: Pick<GatewayOptions, "compress" | "tcpKeepaliveSec"> & {
    readonly intents: "agent_recommended" | readonly string[];
    readonly reactions: ReactionPlaces;
    /** Number of shards, or `"auto"` for Discord's recommendation. */
    readonly shards: "auto" | number;
    readonly reconnect: GatewayOptions["reconnect"] & {
      readonly sessionCacheTtlSec: number;
      readonly resumeSession: boolean;
    };
  };
  /** URL of the gateway worker; a compiled binary finds no worker in a deeper path. */
  readonly workerUrl: URL;
  /** The gateway thread, loaded ahead. */
  readonly thread?: EarlyThread;
  readonly stored: StoredAccount;
  /**
   * Whether the guild index is complete. A resumed session does not send the guilds again. Called
   * only if there is a session to resume, because the index takes long to load.
   */
  readonly mayResume: () => Promise<boolean>;
}

export interface ConnectPorts
  extends
    Clock,
    Omit<GatewayEvents, "onLog" | "onPermitWanted">,
    Pick<PermitsPorts, "isHolding" | "onBudget"> {
  /** Finds the gateway: from the store, or by asking until Discord answers or refuses. */
  readonly locate: () => Promise<GatewayInfo>;
  /** Asks Discord once for the gateway's address. */
  readonly readGatewayInfo: () => Promise<GatewayInfo>;
  /** Reads the application, whose flags show the intents that the portal grants. */
  readonly readApplication: () => Promise<ApplicationAnswer>;
  /** Whether an error of these requests means that Discord refuses the token. */
  readonly isTokenRefused: (error: unknown) => boolean;
  /** Returns the proxy for a URL, if one is configured (G15). */
  readonly proxyFor: (url: string) => string | undefined;
  readonly presence: () => Presence;
  readonly store: GatewayRecords;
  readonly onShards: (count: number) => void;
  /** Reports wanted intents that Discord does not grant. */
  readonly onIntents: (missing: ChosenIntents["missing"]) => void;
  readonly stopping: AbortSignal;
  readonly log: Log;
}

/**
 * The gateway as the account uses it. This module decides which thread serves it, and at which
 * address.
 */
export type GatewayConnection = Pick<
  GatewayThreads,
  | "admit"
  | "committed"
  | "renew"
  | "setForms"
  | "setPresence"
  | "setVoice"
  | "stats"
  | "stop"
>;

/** The gateway closed with 4014: it refuses the intents. */
const DISALLOWED_INTENTS = 4014;

/**
 * Connects an account, and resumes the sessions of the last run where possible.
 *
 * @throws {RestError} If Discord refuses the token.
 */
export async function startConnection(
  options: ConnectOptions,
  ports: ConnectPorts,
): Promise<GatewayConnection> {
  const { stopping } = ports;
  stopping.throwIfAborted();
  const place = await ports.locate();
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
  const { accountId, stored, gateway: { reconnect } } = options;
  const { store, now, log } = ports;
  const facts = {
    count,
    stored,
    sessionCacheTtlSec: reconnect.sessionCacheTtlSec,
    resumeSession: reconnect.resumeSession,
    intents: intents.now.bits,
    identifyInMs: await firstIdentifyInMs(accountId, 0, ports),
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
): Promise<GatewayConnection> {
  const { accountId } = options;
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

  const stopRelocating = startRelocating(threads, accountId, ports);

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
    admit: threads.admit,
    committed: threads.committed,
    renew: threads.renew,
    setForms: threads.setForms,
    stats: threads.stats,
    setPresence: threads.setPresence,
    setVoice: threads.setVoice,
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
  { gateway, token, restUrl, userAgent, isConnectionDebug }: ConnectOptions,
  { url, shards, limit: { maxConcurrency } }: GatewayInfo,
  presence: Presence,
): ThreadOptions {
  const { compress, tcpKeepaliveSec, reconnect } = gateway;
  return {
    url,
    token,
    compress,
    tcpKeepaliveSec,
    reconnect,
    presence,
    shardCount: Math.max(1, gateway.shards === "auto" ? shards : gateway.shards),
    maxConcurrency,
    restUrl,
    userAgent,
    isConnectionDebug,
    dispatches: READ_TYPES,
  };
}

/** Milliseconds between two requests. */
const RELOCATE_MS = 30_000;

/**
 * Asks for the address again and again while a shard is down.
 *
 * @returns Stops the requests.
 */
function startRelocating(
  threads: Pick<GatewayThreads, "isUp" | "url" | "setUrl">,
  accountId: AccountId,
  { readGatewayInfo, store, stopping, now, log }: ConnectPorts,
): () => void {
  async function ask(): Promise<void> {
    const found = await readGatewayInfo();
    await store.saveGateway(accountId, found, now());
    if (found.url === threads.url()) return;
    log.info("The gateway has moved", { to: found.url });
    threads.setUrl(found.url);
  }

  const timer = setInterval(() => {
    if (threads.isUp()) return;
    ask().catch((error: unknown) =>
      log.debug("Cannot ask Discord for the gateway's address", { error })
    );
  }, RELOCATE_MS);
  const stop = () => clearInterval(timer);
  stopping.addEventListener("abort", stop, { once: true });
  return stop;
}
