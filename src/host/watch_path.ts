/**
 * Tells when a file is another one than before.
 *
 * It is looked at, twice a second: editors replace files, containers mount them, and what a kernel
 * says of such files differs from one to the next. A look costs microseconds. What is being
 * written while it is looked at is told once it has stood still from one look to the next, so that
 * half a file is not taken for a file.
 *
 * @module
 */

import { statSync } from "node:fs";
import { codeOf } from "../lib/error_code.ts";
import type { Schedule } from "../lib/schedule.ts";

export interface WatchPorts {
  readonly schedule: Schedule;
  /** What {@link stateOf} said when the file was read; it may have changed since. */
  readonly since: string;
}

/** Milliseconds between two looks. */
export const LOOK_EVERY_MS = 500;

/**
 * @param onChange Called once for each change, and once where the file is gone.
 * @returns What ends it.
 */
export function watchPath(
  path: string,
  onChange: () => void,
  { schedule, since }: WatchPorts,
): () => void {
  let told = since;
  let seen = since;
  let callOff = schedule(lookAgain, LOOK_EVERY_MS);

  function lookAgain(): void {
    callOff = schedule(lookAgain, LOOK_EVERY_MS);
    const state = stateOf(path);
    const isStill = state === seen;
    seen = state;
    if (!isStill || state === told) return;
    told = state;
    onChange();
  }

  return () => callOff();
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
