/**
 * Tells when a file is another one than before.
 *
 * The kernel tells of events; a slow look finds what it does not tell. After an event the file is
 * looked at until it has stood still from one look to the next, so that half a file is not taken for
 * a file.
 *
 * @module
 */

import { statSync } from "node:fs";
import { codeOf } from "../../lib/error_code.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { type FileEvents, fileEvents } from "./file_events.ts";

export interface WatchPorts {
  readonly schedule: Schedule;
  /** What {@link stateOf} said when the file was read; it may have changed since. */
  readonly since: string;
  /** The kernel's; a test has its own. */
  readonly events?: FileEvents;
}

/** Milliseconds between two looks at a file that is changing: it must stand still for so long. */
export const SETTLE_MS = 500;

/** Milliseconds between two looks at a file of which the kernel tells. */
export const SLOW_LOOK_MS = 60_000;

/** Milliseconds between two looks at a file of which the kernel tells nothing, as on NFS. */
export const BLIND_LOOK_MS = 5_000;

/**
 * @param onChange Called once for each change, and once where the file is gone.
 * @returns What ends it.
 */
export function watchPath(
  path: string,
  onChange: () => void,
  { schedule, since, events = fileEvents }: WatchPorts,
): () => void {
  let told = since;
  let seen = since;
  let isSettling = false;
  let stopEvents: (() => void) | undefined;
  let cancel = (): void => {};

  /** A file that was replaced is watched no more, so events are asked for anew once it is still. */
  function settle(): void {
    if (isSettling) return;
    isSettling = true;
    stopEvents?.();
    stopEvents = undefined;
    cancel();
    cancel = schedule(look, SETTLE_MS);
  }

  function look(): void {
    const state = stateOf(path);
    const isStill = state === seen;
    seen = state;
    if (!isStill) {
      isSettling = true;
      cancel = schedule(look, SETTLE_MS);
      return;
    }
    rest();
    if (state === told) return;
    told = state;
    onChange();
  }

  function rest(): void {
    isSettling = false;
    stopEvents ??= events(path, settle);
    // What has changed before the kernel was asked is not told.
    if (stateOf(path) !== seen) return settle();
    cancel = schedule(look, stopEvents ? SLOW_LOOK_MS : BLIND_LOOK_MS);
  }

  rest();
  return () => {
    isSettling = true; // no event counts any more
    stopEvents?.();
    cancel();
  };
}

/**
 * Tells one state of a file from another.
 *
 * Links are followed: where the configs of a cluster are swapped, a link is what changes.
 */
export function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid].join(" ");
  } catch (error) {
    return codeOf(error) ?? "unknown"; // "ENOENT" is a state, too
  }
}
