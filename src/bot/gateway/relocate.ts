/**
 * Asks Discord whether the gateway has another address, while not all shards are connected.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Directory } from "../../discord/rest/calls/directory.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";

export interface RelocatedGateway {
  /** Whether all shards are connected: then nothing is asked. */
  readonly isUp: () => boolean;
  /** Where the shards connect to. */
  readonly url: () => string;
  readonly onMoved: (url: string) => void;
}

export interface RelocatePorts {
  readonly accountId: AccountId;
  readonly directory: Pick<Directory, "gateway">;
  readonly store: Pick<Store["gateway"], "saveGateway">;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** Milliseconds between two questions. */
const RELOCATE_MS = 30_000;

/** @returns Ends the questions. */
export function relocateWhileDown(
  gateway: RelocatedGateway,
  { accountId, directory, store, stopping, now, log }: RelocatePorts,
): () => void {
  async function ask(): Promise<void> {
    const found = await directory.gateway();
    await store.saveGateway(accountId, found, now());
    if (found.url === gateway.url()) return;
    log.info("The gateway has moved", { to: found.url });
    gateway.onMoved(found.url);
  }

  const timer = setInterval(() => {
    if (gateway.isUp()) return;
    ask().catch((error: unknown) => log.debug("Cannot ask where the gateway is", { error }));
  }, RELOCATE_MS);
  const stop = () => clearInterval(timer);
  stopping.addEventListener("abort", stop, { once: true });
  return stop;
}
