/**
 * Reports when a file changes.
 *
 * The kernel reports events; a slow check finds unreported changes. After an event, the file is
 * checked until it stays the same from one check to the next. So a half-written file is never
 * reported.
 *
 * @module
 */

import { statSync } from "node:fs";
import { codeOf } from "../../lib/errors.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { type FileEvents, fileEvents } from "./file_events.ts";

/** The dependencies of a watch. */
export interface WatchPorts {
  /** Timer. */
  readonly schedule: StartTimer;
  /** The result of {@link stateOf} when the file was read; the file may have changed since. */
  readonly since: string;
  /** File events; a test passes its own. */
  readonly events?: FileEvents;
}

/** Milliseconds between two checks of a changing file, which must stay the same for that long. */
export const SETTLE_MS = 500;

/** Milliseconds between two checks of a file with kernel events. */
export const SLOW_POLL_MS = 60_000;

/** Milliseconds between two checks of a file without kernel events, for instance on NFS. */
export const POLL_ONLY_MS = 5_000;

/**
 * Watches a file.
 *
 * @param onChange Called once for each change, and once if the file disappears.
 * @returns Stops watching.
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

  /** Renews the watch once a file is unchanged, because a replaced file has no watch any more. */
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
    // The kernel does not report changes from before the watch.
    if (stateOf(path) !== seen) return settle();
    cancel = schedule(look, stopEvents ? SLOW_POLL_MS : POLL_ONLY_MS);
  }

  rest();
  return () => {
    isSettling = true; // later events are ignored
    stopEvents?.();
    cancel();
  };
}

/**
 * Describes the state of a file, so that two states can be compared.
 *
 * Links are followed: in a cluster, replacing a config swaps a link.
 */
export function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid].join(" ");
  } catch (error) {
    return codeOf(error) ?? "unknown"; // "ENOENT" is a state, too
  }
}
