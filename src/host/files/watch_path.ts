/** Reports when a file or a folder changes: it looks every 750 ms, which works on each file system. */

import { statSync } from "node:fs";
import { codeOf } from "../../lib/errors.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** Milliseconds between two looks. A changing file must stay the same from one to the next. */
export const LOOK_MS = 750;

/**
 * Watches files, and names in folders.
 *
 * @param onChange Called once for each change, and once if one of them disappears.
 * @returns Stops watching.
 */
export function watchPath(
  paths: readonly string[],
  onChange: () => void,
  { schedule, since }: {
    readonly schedule: StartTimer;
    /** The result of {@link stateOf} when they were read; they may have changed since. */
    readonly since: string;
  },
): () => void {
  let told = since;
  let seen = since;
  let cancel = schedule(look, LOOK_MS);

  function look(): void {
    const state = stateOf(paths);
    const isStill = state === seen;
    seen = state;
    cancel = schedule(look, LOOK_MS);
    if (!isStill || state === told) return;
    told = state;
    onChange();
  }

  return () => cancel();
}

/**
 * Describes the state of files, so that two states can be compared.
 *
 * Links are followed: in a cluster, replacing a config swaps a link.
 */
export function stateOf(paths: readonly string[]): string {
  return paths.map(stateOfOne).join("; ");
}

function stateOfOne(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs, mode, uid, gid].join(" ");
  } catch (error) {
    return codeOf(error) ?? "unknown"; // "ENOENT" is a state, too
  }
}
