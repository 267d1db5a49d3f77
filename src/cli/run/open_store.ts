/** Opens the store of a running bot. */

import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import type { Store } from "../../store/store.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import type { Log } from "../../lib/log.ts";
import type { Follower } from "../../store/database/durability.ts";
import { DEFAULT_RETENTION } from "../../store/messages/retention.ts";
import { openStore } from "../../store/store.ts";

/**
 * Opens the store; the caller holds the directory's lock.
 *
 * @param follower The copy of the store on another machine; absent: there is none.
 * @throws {StoreError} As {@link openStore} does.
 */
export function openBotStore(
  dataDir: string,
  { store: { retention } }: BotConfig,
  crash: CrashPoints,
  log: Log,
  follower?: Follower,
): Store {
  return openStore(join(dataDir, DATABASE_NAME), {
    now: Date.now(),
    elapsed: () => performance.now(),
    retention: { ...DEFAULT_RETENTION, ...retention },
    crash,
    follower,
    onRefused: (kind, error) =>
      log.error(
        "Cannot apply a record of the store's journal; it stays there. Please report this",
        { kind, error },
      ),
  });
}
