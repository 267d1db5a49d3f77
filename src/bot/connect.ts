/**
 * Connects an account: finds the gateway, and starts its thread.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { toIntents } from "../discord/gateway/intents.ts";
import { READ_TYPES } from "../discord/gateway/reader.ts";
import { type Gateway, type GatewayEvents, startGateway } from "../discord/gateway/thread.ts";
import type { Directory } from "../discord/rest/directory.ts";
import { RestError } from "../discord/rest/rest_error.ts";
import { locateGateway } from "../flows/locate_gateway.ts";
import type { Log } from "../lib/log.ts";
import type { StoredAccount, StoredSession } from "../store/accounts.ts";

export interface ConnectOptions {
  readonly config: Config;
  readonly token: string;
  readonly isConnectionDebug: boolean;
  /** Of the gateway's thread; a compiled binary finds no worker that is named any deeper. */
  readonly workerUrl: URL;
  /** What the store knows of the account. */
  readonly account: StoredAccount;
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

/**
 * The session of the last run is resumed where it may be.
 *
 * @throws {RestError} If Discord refuses to say where its gateway is.
 */
export async function connect(
  { config: { discord }, token, isConnectionDebug, workerUrl, account }: ConnectOptions,
  { directory, saveGatewayUrl, stopping, now, log, ...events }: ConnectPorts,
): Promise<Gateway> {
  const { intents, compress, tcpKeepaliveSec, reconnect } = discord.gateway;
  const { session } = account;
  const url = await locateGateway(account.gateway?.url, {
    ask: async () => (await directory.gateway()).url,
    isTransient: (error) => error instanceof RestError && error.isTransient,
    save: saveGatewayUrl,
    sleep: (ms) => sleep(ms, undefined, { signal: stopping }),
    random: Math.random,
    log,
  });
  stopping.throwIfAborted();
  const mayResume = session && isFresh(session, now(), reconnect.sessionCacheTtlSec);
  return startGateway(
    {
      token,
      url,
      intents: toIntents(intents).bits,
      compress,
      tcpKeepaliveSec,
      reconnect,
      ...(mayResume && { session }),
      isConnectionDebug,
      dispatches: READ_TYPES,
    },
    { ...events, onLog: (level, event, fields) => log[level](event, fields) },
    {
      workerUrl,
      now,
      random: Math.random,
    },
  );
}

function isFresh({ aliveAt }: StoredSession, now: number, ttlSec: number): boolean {
  return now - aliveAt <= ttlSec * 1_000;
}
