/**
 * The parts for files of people that all accounts share: the folder, and the thread that reads
 * documents.
 */

import { Worker } from "node:worker_threads";
import type { BotOptions } from "../bot.ts";
import { createExtractor } from "../extract/extractor.ts";
import { cpuSec, ownMemory } from "../host/process/boot.ts";
import { collectGarbage } from "../host/process/release_pages.ts";
import { type Clock, schedule } from "../lib/clock.ts";
import { createPlaces } from "../lib/places.ts";
import { createMediaFolder, type MediaFolder } from "../media/folder.ts";

/** Maximum bytes of files in memory at once, except images for the model (SEC-R25). */
const ROOM_BYTES = 10_000_000;
/** Milliseconds between two deletions of old files. */
const PRUNE_MS = 6 * 60 * 60 * 1_000;

/**
 * Creates the parts, and deletes old files from now on.
 *
 * @param workerUrl URL of `extract_worker.ts`.
 */
export function startProcessMedia(bot: BotOptions & Clock, workerUrl: URL) {
  const folder: MediaFolder = createMediaFolder(bot.mediaFolder);
  let cancel = () => {};
  function prune(): void {
    cancel = schedule(prune, PRUNE_MS);
    const days = bot.setup.config.store.retention.mediaDays;
    if (days === 0) return; // files stay for ever
    folder.prune(bot.now(), days).catch((error: unknown) => {
      bot.logging.forPart("store").warn("Cannot delete old files of people", { error });
    });
  }
  prune();
  return {
    folder,
    /** Bytes of files that may be in memory at once. */
    room: createPlaces(ROOM_BYTES, collectGarbage),
    /** Reads documents in a thread. */
    extractor: createExtractor({
      startThread: () => new Worker(workerUrl),
      collectGarbage,
      ownMemory,
      cpuSec,
      schedule,
    }),
    stop: (): void => cancel(),
  };
}

export type ProcessMedia = ReturnType<typeof startProcessMedia>;
