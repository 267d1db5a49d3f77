/** Opens the store of a running bot, and checks the place of its files. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import type { Partition } from "../../core/discord/partition.ts";
import type { Store } from "../../core/store/store.ts";
import { DATABASE_NAME, FILES_NAME, forgetPartitions } from "../../host/files/data_dir.ts";
import { readRestored } from "../../host/files/restored_partitions.ts";
import type { CrashPoints } from "../../host/process/crash_points.ts";
import type { Log } from "../../lib/log.ts";
import type { Follower } from "../../store/database/durability.ts";
import { DEFAULT_RETENTION } from "../../store/received/retention.ts";
import { openStore } from "../../store/store.ts";

/**
 * Opens the store; the caller holds the directory's lock.
 *
 * @param follower The copy of the store on another machine; absent: there is none.
 * @param partition The part of the bot's guilds that the store has; absent: all.
 * @throws {StoreError} As {@link openStore} does.
 */
export function openBotStore(
  dataDir: string,
  { store: { retention } }: BotConfig,
  crash: CrashPoints,
  log: Log,
  follower?: Follower,
  partition?: Partition,
): Store {
  return openStore(join(dataDir, DATABASE_NAME), {
    now: Date.now(),
    elapsed: () => performance.now(),
    retention: { ...DEFAULT_RETENTION, ...retention },
    crash,
    follower,
    partition,
    onRefused: (kind, error) =>
      log.error(
        "Cannot apply a record of the store's journal; it stays there. Please report this",
        { kind, error },
      ),
  });
}

/** Checks the place of files; most bots have the data directory, and load nothing for it. */
export async function prepareFiles(config: BotConfig, dataDir: string, log: Log): Promise<void> {
  if (config.files.url === undefined && !existsSync(join(dataDir, FILES_NAME))) return;
  const { preparePlace } = await import("../files/check_place.ts");
  await preparePlace(config, dataDir, log);
}

/**
 * The process has the whole bot: commands look into no partition.
 *
 * @throws {StartError} If backups of partitions were restored here, whose data would be left out.
 */
export async function leavePartitions(dataDir: string): Promise<void> {
  if (readRestored(dataDir) !== undefined) {
    const { assertRestoredWhole } = await import("../standby/refuse.ts");
    assertRestoredWhole(dataDir, 1);
  }
  forgetPartitions(dataDir);
}
