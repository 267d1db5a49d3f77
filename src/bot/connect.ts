/**
 * Connects an account: finds the gateway, and starts its thread.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { GatewaySession } from "../core/inbound.ts";
import type { EarlyThread } from "../discord/gateway/early_thread.ts";
import { toIntents } from "../discord/gateway/intents.ts";
import { READ_TYPES } from "../discord/gateway/reader.ts";
import { type Gateway, type GatewayEvents, startGateway } from "../discord/gateway/thread.ts";
import type { Directory } from "../discord/rest/directory.ts";
import { RestError } from "../discord/rest/rest_error.ts";
import { locateGateway } from "../flows/locate_gateway.ts";
import type { Log } from "../lib/log.ts";
import type { StoredAccount } from "../store/accounts.ts";

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

export interface ConnectPorts extends Omit<GatewayEvents, "onLog"> {
  readonly directory: Pick<Directory, "gateway">;
  readonly saveGatewayUrl: (url: string) => Promise<void>;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** For how long an address is taken without asking. */
const ADDRESS_FRESH_MS = 24 * 60 * 60 * 1_000;

/** How often the address is asked for anew while nothing connects. */
const RELOCATE_MS = 30_000;

/**
 * The session of the last run is resumed where it may be.
 *
 * @throws {RestError} If Discord refuses the token.
 */
export async function connect(options: ConnectOptions, ports: ConnectPorts): Promise<Gateway> {
  const { config: { discord }, token, isConnectionDebug, workerUrl, thread, stored } = options;
  const { directory, saveGatewayUrl, stopping, now, log, ...events } = ports;
  const { intents, compress, tcpKeepaliveSec, reconnect } = discord.gateway;
  const { gateway: known } = stored;
  const url = await locateGateway(
    known && { url: known.url, isFresh: now() - known.at < ADDRESS_FRESH_MS },
    {
      ask: async () => (await directory.gateway()).url,
      // A portal before the network, or a proxy, answers with anything; only Discord knows tokens.
      isTransient: (error) => error instanceof RestError && error.kind !== "unauthorized",
      save: saveGatewayUrl,
      sleep: (ms) => sleep(ms, undefined, { signal: stopping }),
      random: Math.random,
      log,
    },
  );
  stopping.throwIfAborted();
  const session = sessionOf(options, ports);
  let isReady = false;
  const gateway = startGateway(
    {
      token,
      url,
      intents: toIntents(intents).bits,
      compress,
      tcpKeepaliveSec,
      reconnect,
      ...(session && { session }),
      isConnectionDebug,
      dispatches: READ_TYPES,
    },
    {
      ...events,
      onState(state) {
        isReady = state.state === "ready";
        events.onState(state);
      },
      onLog: (level, event, fields) => log[level](event, fields),
    },
    { workerUrl, ...(thread && { takeThread: thread.take }), now, random: Math.random },
  );
  return followAddress(gateway, url, () => isReady, ports);
}

/** The session to resume; one that is lost is said out loud. */
function sessionOf(
  { config: { discord }, stored: { session }, mayResume }: ConnectOptions,
  { now, log }: ConnectPorts,
): GatewaySession | undefined {
  if (!session) return undefined;
  const { sessionCacheTtlSec } = discord.gateway.reconnect;
  const isFresh = now() - session.aliveAt <= sessionCacheTtlSec * 1_000;
  if (isFresh && mayResume) return session;
  log.warn("The last session cannot be resumed; what was said since is not answered", {
    since: new Date(session.aliveAt).toISOString(),
    why: isFresh ? "what it said of guilds is not known any more" : "it is too old",
  });
  return undefined;
}

/** While nothing connects, somebody is asked whether the gateway is still where it was. */
function followAddress(
  gateway: Gateway,
  url: string,
  isReady: () => boolean,
  { directory, saveGatewayUrl, log }: ConnectPorts,
): Gateway {
  let current = url;

  async function ask(): Promise<void> {
    const { url: found } = await directory.gateway();
    if (found === current) return;
    log.info("The gateway has moved", { to: found });
    current = found;
    gateway.setUrl(found);
    await saveGatewayUrl(found);
  }

  const timer = setInterval(() => {
    if (isReady()) return;
    ask().catch((error: unknown) => log.debug("Cannot ask where the gateway is", { error }));
  }, RELOCATE_MS);
  return {
    ...gateway,
    stop() {
      clearInterval(timer);
      return gateway.stop();
    },
  };
}
