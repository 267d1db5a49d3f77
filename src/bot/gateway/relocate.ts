/**
 * Asks Discord for a new gateway address while shards are disconnected.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { ReadGatewayInfo } from "../../discord/rest/calls/gateway_info.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";

/** The gateway whose address may change. */
export interface RelocatedGateway {
  /** Whether all shards are connected; then Discord is not asked. */
  readonly isUp: () => boolean;
  /** Address that the shards connect to. */
  readonly url: () => string;
  /** The gateway has another address. */
  readonly onMoved: (url: string) => void;
}

/** The dependencies of the address requests. */
export interface RelocatePorts {
  /** The account. */
  readonly accountId: AccountId;
  /** Asks Discord for the gateway address. */
  readonly readGatewayInfo: ReadGatewayInfo;
  /** The gateway's rows in the store. */
  readonly store: Pick<Store["gateway"], "saveGateway">;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** Milliseconds between two requests. */
const RELOCATE_MS = 30_000;

/**
 * Asks for the address again and again while a shard is down.
 *
 * @returns Stops the requests.
 */
export function startRelocating(
  gateway: RelocatedGateway,
  { accountId, readGatewayInfo, store, stopping, now, log }: RelocatePorts,
): () => void {
  async function ask(): Promise<void> {
    const found = await readGatewayInfo();
    await store.saveGateway(accountId, found, now());
    if (found.url === gateway.url()) return;
    log.info("The gateway has moved", { to: found.url });
    gateway.onMoved(found.url);
  }

  const timer = setInterval(() => {
    if (gateway.isUp()) return;
    ask().catch((error: unknown) =>
      log.debug("Cannot ask Discord for the gateway's address", { error })
    );
  }, RELOCATE_MS);
  const stop = () => clearInterval(timer);
  stopping.addEventListener("abort", stop, { once: true });
  return stop;
}
