/**
 * Finds the gateway of an account: in the store, or by asking Discord.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, DAY_MS } from "../../lib/clock.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { GatewayInfo } from "../../core/discord/gateway.ts";
import type { GatewayRecords, StoredAccount } from "../../core/store/gateway.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { locateGateway } from "../../flows/preflight/locate_gateway.ts";
import type { Log } from "../../lib/log.ts";

/** Whether Discord refuses the token. A captive portal or a proxy may answer with any status. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof RestError && error.kind === "unauthorized";
}

/** Creates the search for the gateway. It uses an answer of the last day without asking. */
export function createLocate(
  accountId: AccountId,
  { gateway, limit }: StoredAccount,
  { readGatewayInfo, store, stopping, now, log }: Clock & {
    readonly readGatewayInfo: () => Promise<GatewayInfo>;
    readonly store: Pick<GatewayRecords, "saveGateway">;
    readonly stopping: AbortSignal;
    readonly log: Log;
  },
): () => Promise<GatewayInfo> {
  return () =>
    locateGateway(
      gateway && limit && {
        place: { url: gateway.url, shards: limit.shards, limit },
        isFresh: now() - gateway.at < DAY_MS,
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
        isTransient: (error) => error instanceof RestError && !isTokenRefused(error),
        save: (found) => store.saveGateway(accountId, found, now()),
        sleep: (ms) => sleep(ms, undefined, { signal: stopping }),
        random: Math.random,
        log,
      },
    );
}
