/**
 * Reports when a file changes.
 *
 * The kernel reports events; a slow check finds unreported changes. After an event, the file is
 * checked until it stays the same from one check to the next. So a half-written file is never
 * reported.
 *
 * The watch is on the file itself, not on its directory: the database may be in the same directory,
 * and each of its writes would wake the process. The kernel also reports a file that another one
 * replaces, because it loses its name; after that, the listener must start again. For a link, its
 * directory is watched too, because the link itself changes.
 */

import process from "node:process";
import { lstatSync, statfsSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../lib/errors.ts";
import type { StartTimer } from "../../lib/clock.ts";

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
  { schedule, since, events = fileEvents }: {
    readonly schedule: StartTimer;
    /** The result of {@link stateOf} when the file was read; the file may have changed since. */
    readonly since: string;
    /** File events; a test passes its own. */
    readonly events?: FileEvents;
  },
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

/**
 * Calls back at each event of the file, several times for one change.
 *
 * @returns Stops listening; `undefined` if the kernel reports nothing: the file does not exist, is
 * on a network file system, or the system has no watch left.
 */
type FileEvents = (path: string, onEvent: () => void) => (() => void) | undefined;

/**
 * Magic numbers of Linux file systems that others change without this kernel's knowledge: NFS, SMB
 * (three numbers), FUSE (and virtiofs), 9P, Ceph, AFS, VirtualBox.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/statfs.2.html}
 */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969,
  0x517b,
  0xff534d42,
  0xfe534d42,
  0x65735546,
  0x01021997,
  0x00c36400,
  0x5346414f,
  0x786f4256,
]);

export function fileEvents(path: string, onEvent: () => void): (() => void) | undefined {
  const ends: (() => void)[] = [];
  const end = () => ends.splice(0).forEach((stop) => stop());
  try {
    statSync(path);
    if (process.platform === "linux" && REMOTE.has(statfsSync(path).type >>> 0)) return undefined;
    const isLink = lstatSync(path).isSymbolicLink();
    for (const watched of isLink ? [path, dirname(path)] : [path]) {
      const watcher = watch(watched, { persistent: false }, onEvent);
      watcher.on("error", onEvent); // the next check finds the state
      ends.push(() => watcher.close());
    }
    return end;
  } catch {
    end(); // no file, no permission, or no watch left: the slow check finds changes
    return undefined;
  }
}
