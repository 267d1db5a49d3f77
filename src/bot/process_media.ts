/**
 * The parts for files of people that all accounts share: the folder, and the thread that reads
 * documents.
 */

import { Worker } from "node:worker_threads";
import type { Extractor } from "../extract/extractor.ts";
import { createExtractor } from "../extract/extractor.ts";
import { cpuSec, ownMemory } from "../host/process/boot.ts";
import { collectGarbage } from "../host/process/release_pages.ts";
import type { Log } from "../lib/log.ts";
import { type Clock, schedule } from "../lib/clock.ts";
import { createPlaces, type WorkPlaces } from "../lib/places.ts";
import type { MediaFolder } from "../media/folder.ts";

/** Files of people, for all accounts. */
export interface ProcessMedia {
  readonly folder: MediaFolder;
  /** Reads documents in a thread. */
  readonly extractor: Extractor;
  /** Bytes of files that may be in memory at once. */
  readonly room: WorkPlaces;
  stop(): void;
}

/** Maximum bytes of files in memory at once, except images for the model (SEC-R25). */
const ROOM_BYTES = 10_000_000;
/** Milliseconds between two deletions of old files. */
const PRUNE_MS = 6 * 60 * 60 * 1_000;

/** Creates the parts, and deletes old files from now on. */
export function startProcessMedia(
  { folder, workerUrl, mediaDays, now, log }: Clock & {
    readonly folder: MediaFolder;
    /** URL of `extract_worker.ts`. */
    readonly workerUrl: URL;
    /** `store.retention.mediaDays`; 0 keeps files for ever. */
    readonly mediaDays: () => number;
    readonly log: Log;
  },
): ProcessMedia {
  let cancel = () => {};
  function prune(): void {
    cancel = schedule(prune, PRUNE_MS);
    const days = mediaDays();
    if (days === 0) return;
    folder.prune(now(), days).catch((error: unknown) => {
      log.warn("Cannot delete old files of people", { error });
    });
  }
  prune();
  return {
    folder,
    room: createPlaces(ROOM_BYTES, collectGarbage),
    extractor: createExtractor({
      startThread: () => new Worker(workerUrl),
      collectGarbage,
      ownMemory,
      cpuSec,
      schedule,
    }),
    stop: () => cancel(),
  };
}
